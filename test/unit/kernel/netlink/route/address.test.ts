import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addressOf } from "../../../../../src/address/cidr.ts";
import {
  type AddressOptions,
  createAddress,
  decodeAddress,
  deleteAddress,
  dumpAddresses,
} from "../../../../../src/kernel/netlink/route/address.ts";
import type { Scope } from "../../../../../src/kernel/netlink/route/scope.ts";
import { family, ifAddress, index, ip, ipv4, maybe, record, u8, u32 } from "./arbitraries.ts";

const scope = fc.oneof(
  fc.constantFrom<Scope>("universe", "site", "link", "host", "nowhere"),
  fc.integer({ min: 1, max: 199 }),
);
const options: fc.Arbitrary<AddressOptions> = family.chain((of) =>
  record({
    link: index,
    address: ifAddress(of),
    peer: maybe(ip(of)),
    broadcast: maybe(of === 4 ? ipv4 : fc.constant(undefined)),
    scope: maybe(scope),
    flags: maybe(u32),
    protocol: maybe(u8),
  }),
);

test("an address request reads back as the address it describes", () => {
  fc.assert(
    fc.property(options, (address) => {
      const { scope = "universe", flags = 0, peer } = address;
      const expected = {
        ...address,
        scope,
        flags,
        peer: peer === addressOf(address.address) ? undefined : peer,
        label: undefined,
      };
      assert.deepEqual(decodeAddress(createAddress(address)), expected);
      assert.deepEqual(decodeAddress(deleteAddress(address)), expected);
    }),
  );
});

test("a dump asks for a family and a link by the header alone, as strict checking wants it", () => {
  assert.deepEqual([...dumpAddresses({ family: 6, link: 5 }).body], [10, 0, 0, 0, 5, 0, 0, 0]);
  assert.deepEqual([...dumpAddresses().body], [0, 0, 0, 0, 0, 0, 0, 0]);
});

test("addresses of other families are passed over", () => {
  assert.equal(decodeAddress({ body: Uint8Array.from([35, 0, 0, 0, 1, 0, 0, 0]) }), undefined);
});
