/** Sysctls of one interface, as libnetwork's users write them: `net.ipv4.conf.IFNAME.log_martians=1`, with the very word IFNAME. */
import { malformedOption } from "./options.ts";

/** Values by name, in which IFNAME stands for the interface. */
export type InterfaceSysctls = Readonly<Record<string, string>>;

/** Of an interface there are settings of the protocol (conf) and of its neighbours (neigh). */
const namePattern = /^net\.(?:ipv4|ipv6|mpls)\.(?:conf|neigh)\.IFNAME\.[a-z0-9_]+$/;
/** A number as people write it: zeros in front and a plus are not how the kernel gives it back. */
const numberPattern = /^[+-]?\d+$/;

/** Reads `NAME=VALUE[,NAME=VALUE…]`; throws `invalid-option` for anything that is not a setting of this interface alone. */
export function readInterfaceSysctls(text: string, key: string): InterfaceSysctls {
  const refuse = (advice: string) => malformedOption(key, text, advice);
  const read = new Map<string, string>();
  for (const part of text.split(",")) {
    const equals = part.indexOf("=");
    const [name, value] = [part.slice(0, equals).trim(), part.slice(equals + 1).trim()];
    if (equals < 0) throw refuse("give NAME=VALUE, such as net.ipv4.conf.IFNAME.log_martians=1, parted by commas");
    if (!namePattern.test(name)) {
      throw refuse(`"${name}" is no setting of the interface: give net.ipv4, ipv6 or mpls, conf or neigh, then IFNAME`);
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
    if (value === "" || /[\u0000-\u001f\u007f]/.test(value)) throw refuse(`"${name}" needs a value of one line`);
    if (read.has(name)) throw refuse(`"${name}" is given twice`);
    read.set(name, numberPattern.test(value) ? String(BigInt(value)) : value);
  }
  return Object.fromEntries(read);
}

/** The kernel's names of them for an interface: slashed, since a name may hold dots. */
export function sysctlsOf(
  sysctls: InterfaceSysctls,
  link: string,
): readonly (readonly [name: string, value: string])[] {
  return Object.entries(sysctls).map(([name, value]) => [
    name
      .split(".")
      .map((part) => (part === "IFNAME" ? link : part))
      .join("/"),
    value,
  ]);
}
