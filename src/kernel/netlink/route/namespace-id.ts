/** Ids by which one network namespace knows another (rtnetlink RTM_GETNSID; linux/net_namespace.h). */
import { AttributeWriter } from "../attribute.ts";
import type { NetlinkMessage } from "../message.ts";
import { addressFamily, attributesAfter, type MessageBody, readHeader, routeMessage } from "./rtnetlink.ts";

const attribute = {
  /** NETNSA_NSID */ id: 1,
  /** NETNSA_FD */ descriptor: 3,
} as const;

/** Bytes of struct rtgenmsg, padded. */
const headerLength = 4;

/** Asks for the id of the namespace of a descriptor. */
export function getNamespaceId(descriptor: number): NetlinkMessage {
  const header = new Uint8Array(headerLength);
  header[0] = addressFamily.unspecified;
  const body = new AttributeWriter(16).raw(header).u32(attribute.descriptor, descriptor).finish();
  return { type: routeMessage.getNamespaceId, flags: 0, body };
}

/** Reads the id; undefined where none has been given out yet (NETNSA_NSID_NOT_ASSIGNED). Throws `kernel` on malformed bytes. */
export function decodeNamespaceId(message: MessageBody): number | undefined {
  readHeader(message.body, headerLength);
  const id = attributesAfter(message.body, headerLength).get(attribute.id)?.s32();
  return id === undefined || id < 0 ? undefined : id;
}
