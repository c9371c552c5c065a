// What may be a bearer token, wherever it comes from: a flag, a variable or a file.

/** `b64token` of RFC 6750 section 2.1: anything else cannot be sent as a bearer token. */
const BEARER_TOKEN = /^[\w.~+/-]+=*$/

/** Completes "allowed are …". */
export const BEARER_TOKEN_ALLOWED = 'letters, digits and -._~+/, then any number of ='

export function isBearerToken(text: string): boolean {
  return BEARER_TOKEN.test(text)
}
