/** Dummy links, which lead nowhere. They have no settings of their own. */
import type { LinkKindCodec } from "./kind.ts";

/** A dummy link. */
export interface DummyData {
  readonly kind: "dummy";
}

export const dummy: LinkKindCodec<DummyData> = {
  encode() {},
  decode: () => ({ kind: "dummy" }),
};
