/** Ports that are open at a sandbox's own address: what routed networks have for published ports, and trusted interfaces reach. */
import { familyOf, type IpAddress } from "../address/ip.ts";
import { countOf, joinRanges, type PublishedPort } from "../address/port.ts";
import { nftElement } from "../state/nft/elements.ts";
import type { NftElement } from "../state/objects.ts";
import { sets } from "./table.ts";

const ofFamily = {
  4: { one: sets.opened4, rows: sets.openedRows4 },
  6: { one: sets.opened6, rows: sets.openedRows6 },
} as const;

/** The elements that open ports at an address, each port in one of them alone: sets with ranges take none twice. */
export function describeOpened(
  address: IpAddress,
  ports: readonly Pick<PublishedPort, "protocol" | "container">[],
): readonly NftElement[] {
  const { one, rows } = ofFamily[familyOf(address)];
  return [...Map.groupBy(ports, ({ protocol }) => protocol)].flatMap(([protocol, same]) =>
    joinRanges(same.map(({ container }) => container)).map((range) => {
      const [first, last] = [String(range.first), String(range.last)];
      return countOf(range) === 1
        ? nftElement(one, [address, protocol, first])
        : nftElement(rows, [address, protocol, { from: first, to: last }]);
    }),
  );
}
