/** Link-local addresses of the user's choice, beside those of IPAM: docker's --link-local-ip. */
import { PortolanError } from "../errors.ts";
import { contains, type InterfaceAddress, interfaceAddress, lengthOf, parseSubnet } from "./cidr.ts";
import { parseIp } from "./ip.ts";

/** RFC 3927 §2.1; RFC 4291 §2.5.6. */
const subnets = [parseSubnet("169.254.0.0/16"), parseSubnet("fe80::/64")];

/** The link-local address that every bridge with IPv6 has. */
const gateway = "fe80::1";

/** Reads a link-local address, as it is to be on the interface; throws `invalid-argument`. */
export function parseLinkLocal(text: string): InterfaceAddress {
  const address = parseIp(text);
  const subnet = subnets.find((one) => contains(one, address));
  if (subnet === undefined) {
    throw new PortolanError("invalid-argument", `${address} is no link-local address`, {
      advice: `give one of ${subnets.join(" or ")}; other addresses are given by ipv4 and ipv6 (--ip, --ip6)`,
    });
  }
  if (address === gateway || address.endsWith(".0.0") || address.endsWith(".255.255") || address === "fe80::") {
    throw new PortolanError("invalid-argument", `the link-local address ${address} is no endpoint's to have`, {
      advice: "give another one",
    });
  }
  return interfaceAddress(address, lengthOf(subnet));
}
