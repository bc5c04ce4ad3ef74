/** A store whose commits can be made to fail. */
import { PortolanError } from "../../src/errors.ts";
import type { Store } from "../../src/store/store.ts";
import type { Faults } from "./faults.ts";

/** Wraps a store: every commit is one change; one that fails writes nothing and throws `store`, as on a full disk. */
export function createFaultyStore(store: Store, faults: Faults): Store {
  return {
    load: () => store.load(),
    async commit(changes, options) {
      const words = changes.map((change) => `${change.op} ${change.collection}`).join(", ");
      if (faults.meets(`commit of ${words}`)) {
        throw new PortolanError("store", "the state store could not be written", {
          object: "store of the test",
          reason: "database or disk is full",
          advice: "check that the disk has room and is writable",
        });
      }
      await store.commit(changes, options);
    },
    close: () => store.close(),
  };
}
