/** What a plugin type is: what it does for each command. A type that has nothing to do for one leaves it out. */
import type { CniResult } from "../protocol/result.ts";
import type { AttachmentCall, BaseCall, PlacedCall } from "./call.ts";

export interface Plugin {
  add(call: PlacedCall): Promise<CniResult>;
  del?(call: AttachmentCall): Promise<void>;
  check?(call: PlacedCall): Promise<void>;
  gc?(call: BaseCall): Promise<void>;
  status?(call: BaseCall): Promise<void>;
}
