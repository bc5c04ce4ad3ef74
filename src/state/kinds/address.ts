/** Addresses on links. */
import { cidrFamily } from "../../address/cidr.ts";
import {
  addressFlag,
  createAddress,
  decodeAddress,
  deleteAddress,
  dumpAddresses,
} from "../../kernel/netlink/route/address.ts";
import { ownProtocol } from "../../kernel/netlink/route/ownership.ts";
import { type ApplyContext, fieldsAgree, inNamespace, inside, type Kind, linkKey, namespaceKey } from "../kind.ts";
import type { Address } from "../objects.ts";

function options({ namespace, link, address, noDuplicateDetection, noPrefixRoute }: Address, context: ApplyContext) {
  const flags =
    (noDuplicateDetection ? addressFlag.noDuplicateDetection : 0) | (noPrefixRoute ? addressFlag.noPrefixRoute : 0);
  return { link: context.linkIndex(namespace, link), address, flags, protocol: ownProtocol };
}

export const address: Kind<Address> = {
  key: ({ namespace, link, address }) => `address ${namespace} ${link} ${address}`,
  references: ({ namespace, link }) => [namespaceKey(namespace), linkKey(namespace, link)],
  words: ({ namespace, link, address }) => `address ${address} on link ${link} ${inNamespace(namespace)}`,
  create: (object) => [
    { type: "route", namespace: object.namespace, messages: (context) => [createAddress(options(object, context))] },
  ],
  update: () => undefined,
  delete: (object) => [
    { type: "route", namespace: object.namespace, messages: (context) => [deleteAddress(options(object, context))] },
  ],
  observe: ({ namespaces, wanted }) =>
    namespaces.flatMap(({ namespace, kernel, linkName }) =>
      kernel.dump(namespace, "route", dumpAddresses()).flatMap((message): Address[] => {
        const info = decodeAddress(message);
        const link = linkName(info?.link);
        if (info === undefined || link === undefined) return [];
        const quick = cidrFamily(info.address) === 6 && (info.flags & addressFlag.noDuplicateDetection) !== 0;
        const found: Address = {
          kind: "address",
          namespace,
          link,
          address: info.address,
          ...(quick && { noDuplicateDetection: true }),
          ...((info.flags & addressFlag.noPrefixRoute) !== 0 && { noPrefixRoute: true }),
        };
        return info.protocol === ownProtocol || wanted.has(address.key(found)) ? [found] : [];
      }),
    ),
  // What was told when it was made is not to be seen of an address.
  equal: ({ announce: _, ...desired }, observed) => fieldsAgree(desired, observed),
  commands: {
    // The protocol number is left out: the iproute2 of Debian 12 cannot set it.
    create: ({ namespace, link, address, noDuplicateDetection, noPrefixRoute }) => [
      `${inside(namespace)}ip address add ${address} dev ${link}${noDuplicateDetection ? " nodad" : ""}${noPrefixRoute ? " noprefixroute" : ""}`,
    ],
    update: () => [],
    delete: ({ namespace, link, address }) => [`${inside(namespace)}ip address delete ${address} dev ${link}`],
  },
};
