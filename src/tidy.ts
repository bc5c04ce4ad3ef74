/**
 * Gives back the memory that work has left, when a thread has had nothing to do for a while. V8 looks for garbage when more memory is wanted: a daemon that made a
 * thousand sandboxes and then rests would keep what that took for ever, in each of its threads.
 */

/** How long a thread must have had nothing to do, milliseconds: a collection takes it some tens of them. */
const quiet = 3000;

/** V8's collector: all that can be found, before it returns. */
type Collect = (options: {
  readonly type: "major";
  readonly flavor: "last-resort";
  readonly execution: "sync";
}) => void;

/**
 * Returns what a thread calls whenever it has done something; `then` is called after its garbage has been collected. Without a collector, which V8 has with node's
 * `--expose-gc`, nothing comes of it: bin/portolan starts the daemon so.
 */
export function createTidier(
  then: () => void = () => undefined,
  collect: Collect | undefined = globalThis.gc,
): () => void {
  if (collect === undefined) return () => undefined;
  let last = 0;
  let timer: NodeJS.Timeout | undefined;
  function look(): void {
    const rest = last + quiet - Date.now();
    timer = rest > 0 ? setTimeout(look, rest).unref() : undefined;
    if (timer !== undefined) return;
    collect?.({ type: "major", flavor: "last-resort", execution: "sync" });
    then();
  }
  return () => {
    last = Date.now();
    timer ??= setTimeout(look, quiet).unref();
  };
}
