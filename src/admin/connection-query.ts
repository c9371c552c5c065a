// Reads the query of /connections, and tells what it may be.

import { z } from 'zod'
import { type ConnectionFilter, ERRORS } from '../report/filter.js'
import { parseCursor, SORTS } from '../report/order.js'
import { parseDuration } from '../units.js'

/** Most connections on one page: what making it costs everybody else is bounded so. */
const MOST = 1000

const STATE = 'open, closed or refused'
const ERROR = 'an error code such as ECHOBAHN_INVALID_UTF8, or the reason of a refusal'
const LIMIT = `a whole number 1–${MOST}`
const WORKER = 'the number of a worker, 1 or more'
const CODE = 'a close code 1000–4999'
const CURSOR = 'the cursor of an answer to the same query'
const SINCE = 'a duration such as 5m, or a time such as 2030-01-31T12:00:00Z'
const DURATION = 'a duration such as 500ms or 30s'

const wholeNumber = (allowed: string, least: number, most: number) =>
  z
    .string(allowed)
    .regex(/^\d{1,15}$/, allowed)
    .transform(Number)
    .refine(value => value >= least && value <= most, allowed)

/** A value that `read` makes of the text; undefined is refused. */
const readBy = <T>(allowed: string, read: (text: string) => T | undefined) =>
  z.string(allowed).transform((text, context) => {
    const value = read(text)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: allowed })
    return z.NEVER
  })

/** Each field's message is what is allowed. */
const filterSchema = z.strictObject({
  state: z.enum(['open', 'closed', 'refused'], STATE).optional(),
  worker: wholeNumber(WORKER, 1, Number.MAX_SAFE_INTEGER).optional(),
  clean: z
    .enum(['true', 'false'], 'true or false')
    .transform(text => text === 'true')
    .optional(),
  code: wholeNumber(CODE, 1000, 4999).optional(),
  error: z.enum(ERRORS, ERROR).optional(),
  peer: z.string('one value').optional(),
  path: z.string('one value').optional(),
  agent: z.string('one value').optional(),
  key: z.string('one value').optional(),
  since: readBy(SINCE, readSince).optional(),
  'min-duration': readBy(DURATION, parseDuration).optional(),
  'max-duration': readBy(DURATION, parseDuration).optional(),
  sort: z.enum(SORTS, SORTS.join(', ')).default('newest'),
  cursor: readBy(CURSOR, parseCursor).optional(),
  limit: wholeNumber(LIMIT, 1, MOST).default(100),
})

/** Names of the parameters that there are. */
export const PARAMETERS = Object.keys(filterSchema.shape)

/** One parameter, for whoever offers them to people. */
export interface FilterDescription {
  readonly name: string
  /** What it is for, as a label. */
  readonly label: string
  /** Completes "allowed is …". */
  readonly allowed: string
  /** All values that there are; null where they cannot be listed. */
  readonly choices: readonly string[] | null
}

type FilterName = Exclude<keyof typeof filterSchema.shape, 'cursor'>

const ABOUT: Readonly<Record<FilterName, Omit<FilterDescription, 'name'>>> = {
  state: { label: 'State', allowed: STATE, choices: ['open', 'closed', 'refused'] },
  worker: { label: 'Worker', allowed: WORKER, choices: null },
  clean: { label: 'Closed cleanly', allowed: 'true or false', choices: ['true', 'false'] },
  code: { label: 'Close code', allowed: CODE, choices: null },
  error: { label: 'Error or reason', allowed: ERROR, choices: ERRORS },
  peer: { label: 'Peer', allowed: 'an address, with the port or without', choices: null },
  path: { label: 'Path', allowed: 'a whole path, such as /chat', choices: null },
  agent: { label: 'User agent', allowed: 'a part of the User-Agent header, in any case', choices: null },
  key: { label: 'Key', allowed: 'the value of the Sec-WebSocket-Key header', choices: null },
  since: { label: 'Since', allowed: SINCE, choices: null },
  'min-duration': { label: 'Lasted at least', allowed: DURATION, choices: null },
  'max-duration': { label: 'Lasted at most', allowed: DURATION, choices: null },
  sort: { label: 'Order', allowed: SORTS.join(', '), choices: SORTS },
  limit: { label: 'Per page', allowed: LIMIT, choices: null },
}

/** All but the cursor, which only an answer gives. */
export const FILTERS: readonly FilterDescription[] = Object.entries(ABOUT).map(([name, about]) => ({ name, ...about }))

/**
 * The filter, or a sentence that says which parameter is wrong and what is allowed.
 *
 * @param now milliseconds since 1970
 */
export function readFilter(query: unknown, now: number): ConnectionFilter | string {
  const { success, data, error } = filterSchema.safeParse(query)
  if (success) return filterOf(data, now)
  const [issue] = error.issues
  if (issue.code === 'unrecognized_keys')
    return `${issue.keys[0]}: no such parameter; allowed are ${PARAMETERS.join(', ')}`
  return `${issue.path.join('.')}: allowed is ${issue.message}`
}

function filterOf(parameters: z.output<typeof filterSchema>, now: number): ConnectionFilter | string {
  const { since, cursor, 'min-duration': minDuration, 'max-duration': maxDuration, ...others } = parameters
  if (cursor !== undefined && cursor.sort !== others.sort)
    return `cursor: allowed is ${CURSOR}, and this one is of sort=${cursor.sort}`
  return {
    ...others,
    ...(since !== undefined && { since: since(now) }),
    ...(minDuration !== undefined && { minDuration }),
    ...(maxDuration !== undefined && { maxDuration }),
    ...(cursor !== undefined && { after: cursor }),
  }
}

/** RFC 3339 section 5.6. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

/** Whole seconds for a duration: then all who ask within one get the same answer, which is made once. */
function readSince(text: string): ((now: number) => number) | undefined {
  const ago = parseDuration(text)
  if (ago !== undefined) return now => Math.floor((now - ago) / 1000) * 1000
  const time = TIME.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : () => time
}
