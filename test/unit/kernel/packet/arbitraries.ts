/** Random parts of packets. */
import fc from "fast-check";
import { bytesToMac, type MacAddress } from "../../../../src/address/mac.ts";

export const anyMac: fc.Arbitrary<MacAddress> = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((bytes) => bytesToMac(bytes));
