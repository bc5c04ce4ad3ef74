/** Where the API is found on its socket. */
export const prefix = "/portolan/v1";
