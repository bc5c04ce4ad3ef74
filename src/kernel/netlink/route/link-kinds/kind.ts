import type { Attributes, AttributeWriter } from "../../attribute.ts";

/** How the data of one kind of link (IFLA_INFO_DATA) is written and read. */
export interface LinkKindCodec<Data extends { readonly kind: string }> {
  /** Adds the kind's attributes; nothing is written where nothing is set. */
  encode(writer: AttributeWriter, data: Data): void;
  /** Reads the kind's attributes; empty where the kernel says nothing about this kind. */
  decode(attributes: Attributes): Data;
}
