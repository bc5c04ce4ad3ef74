/**
 * The marks by which the engine knows its own kernel objects again, whatever happened to its store. Nothing without such a mark
 * is ever changed or removed.
 */

/** Link group (IFLA_GROUP) of every link we made: "port" in ASCII. */
export const ownLinkGroup = 0x706f7274;

/**
 * Link group of our links on their way out: "pord" in ASCII. Links are moved there at once and deleted together, in one message:
 * each deletion of its own would wait some 20 ms for RCU under the RTNL lock.
 */
export const departingLinkGroup = 0x706f7264;

/**
 * Protocol number on our routes (rtm_protocol), rules (FRA_PROTOCOL), addresses (IFA_PROTO) and neighbours (NDA_PROTOCOL): 'p' in ASCII, not given
 * out in linux/rtnetlink.h.
 */
export const ownProtocol = 112;

/** Handle of our queueing disciplines (tcm_handle): "po" in ASCII, and no minor number. The kernel gives out 8000: and up by itself. */
export const ownQueueHandle = 0x706f0000;

/** Start of the alias (IFLA_IFALIAS) of our links; what the link is for follows. */
export const ownAliasPrefix = "portolan:";
