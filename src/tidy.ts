/**
 * Gives back the memory that work has left, when a thread has had nothing to do for a while. V8 looks for garbage when more memory is wanted: a daemon that made a
 * thousand sandboxes and then rests would keep what that took for ever, in each of its threads.
 */

/** How long a thread must have had nothing to do, milliseconds: a collection takes it some tens of them. */
const quiet = 3000;

/** After how long what one request left is collected, milliseconds: the next one has room then, and is not kept waiting for the collector. */
const pause = 10;

/** V8's collector: all that can be found, or what is young, before it returns. */
type Collect = (
  options:
    | { readonly type: "major"; readonly flavor: "last-resort"; readonly execution: "sync" }
    | { readonly type: "minor"; readonly execution: "sync" },
) => void;

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

/** Returns what a thread calls at each request: what the request has left is collected in the pause after it, so that the next one finds room and does not wait for that. */
export function createYoungTidier(collect: Collect | undefined = globalThis.gc): () => void {
  if (collect === undefined) return () => undefined;
  let waiting = false;
  function look(): void {
    waiting = false;
    collect?.({ type: "minor", execution: "sync" });
  }
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(look, pause).unref();
  };
}
