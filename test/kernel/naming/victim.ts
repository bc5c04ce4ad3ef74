/** A process that serves the names of a namespace until it is killed. Argument: its path. */
import { createResolver } from "../../../src/naming/create-resolver.ts";

const [, , namespace = "", lasting] = process.argv;
await createResolver().setSandbox({
  id: "s1",
  namespace: namespace as `/${string}`, // of the test that starts it
  networks: [],
  links: {},
  extraHosts: {},
  nameservers: [],
  lasting: lasting !== undefined,
});
// The resolver keeps no process alive. The test's end is this one's.
process.on("disconnect", () => process.exit());
process.send?.("serves");
