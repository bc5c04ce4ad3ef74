/** Ethernet hardware addresses as canonical text: six lower-case octets, `02:42:ac:11:00:02`. */
import { PortolanError } from "../errors.ts";

declare const brand: unique symbol;
export type MacAddress = string & { readonly [brand]: "mac" };

/** Parses six octets parted by `:` or `-`; refuses multicast and all-zero addresses with `invalid-argument`. */
export function parseMac(text: string): MacAddress {
  const canonical = text.toLowerCase().replaceAll("-", ":");
  const valid = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(canonical) && canonical !== "00:00:00:00:00:00";
  if (!valid || Number.parseInt(canonical.slice(0, 2), 16) & 1) {
    throw new PortolanError("invalid-argument", `"${text}" is not a unicast MAC address`, {
      advice: "give six octets such as 02:42:c0:00:02:07; the lowest bit of the first one must be 0",
    });
  }
  return canonical as MacAddress;
}

/** The six octets. */
export function macToBytes(mac: MacAddress): Uint8Array {
  return new Uint8Array(Buffer.from(mac.replaceAll(":", ""), "hex"));
}

/** The address of six octets. */
export function bytesToMac(bytes: Uint8Array): MacAddress {
  const digits = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
  return digits.replaceAll(/..(?=.)/g, "$&:") as MacAddress; // two digits an octet
}

/** A locally administered unicast address made of six random octets (IEEE 802 §8.4). */
export function localMac(random: Uint8Array): MacAddress {
  const bytes = Uint8Array.from(random.subarray(0, 6));
  bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02;
  return bytesToMac(bytes);
}
