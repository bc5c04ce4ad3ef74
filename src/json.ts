/** Values that survive a round trip through JSON text. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };
