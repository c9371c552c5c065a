// Close codes: which ones a Close frame may carry, and the bounded set of metric labels they fall into.

/** Codes with a meaning of their own that a Close frame may carry (RFC 6455 section 7.4.1 and IANA's registry). */
const DEFINED_CODES: readonly number[] = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]

/** Never on the wire: no status was received (1005), or no Close frame at all (1006) (RFC 6455 section 7.1.5). */
const LOCAL_CODES: readonly number[] = [1005, 1006]

const NAMED_CODES: ReadonlySet<number> = new Set([...DEFINED_CODES, ...LOCAL_CODES])

/** Every label that `closeCodeLabel` returns. `other` takes what no Close frame may carry, such as 1004 or 999. */
export const CLOSE_CODE_LABELS: readonly string[] = [...[...NAMED_CODES].map(String), '3xxx', '4xxx', 'other']

/** Whether a Close frame may carry `code`: 1000–1003, 1007–1014, 3000–4999 (RFC 6455 section 7.4, IANA's registry). */
export function isValidCloseCode(code: number): boolean {
  return DEFINED_CODES.includes(code) || isRegistered(code) || isPrivate(code)
}

/** Metric label of a close code, one of `CLOSE_CODE_LABELS`, so that peers cannot make up label values. */
export function closeCodeLabel(code: number): string {
  if (NAMED_CODES.has(code)) return String(code)
  if (isRegistered(code)) return '3xxx'
  if (isPrivate(code)) return '4xxx'
  return 'other'
}

/** Registered with IANA by libraries and frameworks (RFC 6455 section 7.4.2). */
function isRegistered(code: number): boolean {
  return Number.isInteger(code) && code >= 3000 && code <= 3999
}

/** For private use between applications (RFC 6455 section 7.4.2). */
function isPrivate(code: number): boolean {
  return Number.isInteger(code) && code >= 4000 && code <= 4999
}
