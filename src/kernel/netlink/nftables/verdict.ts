/** Verdicts (struct nft_data of type NFT_DATA_VERDICT): what an immediate expression or a map element decides. */
import type { Attribute, AttributeWriter } from "../attribute.ts";

/** A decision about the packet, or where to go on. */
export type Verdict =
  | { readonly verdict: "accept" | "drop" | "continue" | "break" | "return" }
  | { readonly verdict: "jump" | "goto"; readonly chain: string };

/** NFTA_DATA_VERDICT */
const dataVerdict = 2;
/** NFTA_VERDICT_* */
const attribute = { code: 1, chain: 2 } as const;
/** NF_DROP, NF_ACCEPT and enum nft_verdicts. */
const codes = { drop: 0, accept: 1, continue: -1, break: -2, jump: -3, goto: -4, return: -5 } as const;
const names = new Map(Object.entries(codes).map(([name, code]) => [code >>> 0, name as keyof typeof codes]));

/** Writes a nested data attribute that holds a verdict. */
export function writeVerdict(writer: AttributeWriter, type: number, verdict: Verdict): void {
  writer.nested(type, () =>
    writer.nested(dataVerdict, () => {
      writer.be32(attribute.code, codes[verdict.verdict]);
      if ("chain" in verdict) writer.string(attribute.chain, verdict.chain);
    }),
  );
}

/** Reads what {@link writeVerdict} wrote; undefined for a value and for verdicts the engine never makes (queue, stolen). */
export function readVerdict(data: Attribute): Verdict | undefined {
  const verdict = data.nested().get(dataVerdict)?.nested();
  const code = verdict?.get(attribute.code)?.be32();
  const name = code === undefined ? undefined : names.get(code);
  if (name === undefined) return undefined;
  if (name !== "jump" && name !== "goto") return { verdict: name };
  const chain = verdict?.get(attribute.chain)?.string();
  return chain === undefined ? undefined : { verdict: name, chain };
}
