/** The beginning of an id, long enough to tell it from others, as docker shows it. */
export const shortId = (id: string): string => id.slice(0, 12);
