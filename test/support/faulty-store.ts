/** A store whose commits can be made to fail. */
import { PortolanError } from "../../src/errors.ts";
import type { Store } from "../../src/store/store.ts";
import type { Faults } from "./faults.ts";

const full = (): PortolanError =>
  new PortolanError("store", "the state store could not be written", {
    object: "store of the test",
    reason: "database or disk is full",
    advice: "check that the disk has room and is writable",
  });

/** Wraps a store: every commit and every flush is one change; one that fails writes nothing and throws `store`, as on a full disk. */
export function createFaultyStore(store: Store, faults: Faults): Store {
  return {
    load: () => store.load(),
    async commit(changes) {
      const words = changes.map((change) => `${change.op} ${change.collection}`).join(", ");
      if (faults.meets(`commit of ${words}`)) throw full();
      await store.commit(changes);
    },
    async flush() {
      if (faults.meets("flush of the store")) throw full();
      await store.flush();
    },
    close: () => store.close(),
  };
}
