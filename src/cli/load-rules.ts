// Rules between options of `echobahn load`: values that are allowed alone but contradict each other.

import type { LoadSettings } from '../load-settings.js'
import { kebabCase } from '../settings.js'
import type { GivenOptions } from './given-options.js'

/** An option that means something only beside another. */
const PARTNERS: readonly (readonly [field: keyof LoadSettings, partners: readonly (keyof LoadSettings)[]])[] = [
  ['steps', ['rate']],
  ['arrivals', ['rate', 'findLimit']],
  ['think', ['inFlight']],
  ['p99', ['findLimit']],
  ['streams', ['http2']],
  ['adminToken', ['admin']],
]

const EXCLUSIONS: readonly (readonly [field: keyof LoadSettings, other: keyof LoadSettings])[] = [
  ['inFlight', 'rate'],
  ['inFlight', 'findLimit'],
  ['messages', 'findLimit'],
  ['steps', 'findLimit'],
  ['insecure', 'ca'],
]

const OUTPUTS = ['json', 'csv', 'hgrm', 'html'] as const

/** The line about the first rule that is broken, if any. */
export function findLoadConflict(settings: LoadSettings, given: GivenOptions): string | undefined {
  const flag = (field: string) => `--${kebabCase(field)}`
  if (!['rate', 'inFlight', 'findLimit'].some(field => given.has(field)))
    return 'load: one of --rate (open loop), --in-flight (closed loop) and --find-limit is needed'
  const alone = PARTNERS.find(([field, partners]) => given.has(field) && !partners.some(partner => given.has(partner)))
  if (alone !== undefined) return `${flag(alone[0])}: allowed only together with ${alone[1].map(flag).join(' or ')}`
  const excluded = EXCLUSIONS.find(([field, other]) => given.has(field) && given.has(other))
  if (excluded !== undefined) return `${flag(excluded[0])}: not allowed together with ${flag(excluded[1])}`
  return findBadNumber(settings) ?? findSharedOutput(settings)
}

function findBadNumber({ findLimit, rate, connections, threads }: LoadSettings): string | undefined {
  if (findLimit && rate !== undefined && (rate.from !== rate.to || rate.from === 0))
    return '--rate: with --find-limit allowed is one rate above 0, from which the search begins'
  if (threads > connections) return `--threads=${threads}: allowed are as many as connections, ${connections}, at most`
  return undefined
}

function findSharedOutput(settings: LoadSettings): string | undefined {
  const [first, second] = OUTPUTS.filter(output => settings[output] === '-')
  return second === undefined ? undefined : `--${second}=-: standard output is taken by --${first}`
}
