// Reads the query of /connections.

import { z } from 'zod'
import { PROTOCOL_ERRORS } from '../errors.js'
import type { ConnectionFilter } from '../report/filter.js'

const MOST = 10_000

/** Each field's message is what is allowed. */
const filterSchema = z.strictObject({
  state: z.enum(['open', 'closed'], 'open or closed').optional(),
  clean: z
    .enum(['true', 'false'], 'true or false')
    .transform(text => text === 'true')
    .optional(),
  agent: z.string('one value').optional(),
  error: z.enum(Object.keys(PROTOCOL_ERRORS), 'an error code such as ECHOBAHN_INVALID_UTF8').optional(),
  key: z.string('one value').optional(),
  limit: z
    .string(`a whole number 1–${MOST}`)
    .regex(/^[1-9]\d*$/, `a whole number 1–${MOST}`)
    .transform(Number)
    .refine(limit => limit <= MOST, `a whole number 1–${MOST}`)
    .default(100),
})

/** The filter, or a sentence that says which parameter is wrong and what is allowed. */
export function readFilter(query: unknown): ConnectionFilter | string {
  const { success, data, error } = filterSchema.safeParse(query)
  if (success) return data as ConnectionFilter
  const [issue] = error.issues
  if (issue.code === 'unrecognized_keys')
    return `${issue.keys[0]}: no such parameter; allowed are ${Object.keys(filterSchema.shape).join(', ')}`
  return `${issue.path.join('.')}: allowed is ${issue.message}`
}
