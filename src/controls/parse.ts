// What a query asks of its connection: the parameters with the prefix, judged strictly; all others are somebody else's.

import { nearestName } from '../nearest-name.js'
import { quote } from '../protocol/upgrade-request.js'
import { formatSize } from '../units.js'
import { CONTROL_ENTRIES, type Control, type Controls } from './schema.js'

/** What the service allows. */
export interface ControlRules {
  /** What a parameter's name begins with if it is a control's; empty: all of them are controls. */
  readonly prefix: string
  /** Whether those are allowed that could hurt others than the asker. */
  readonly restricted: boolean
  /** Octets of the largest message; a bomb may be no larger. */
  readonly maxMessage: number
}

/** Undefined controls: none were asked for. A problem is one sentence that says what is wrong and what is allowed. */
export type ReadControls =
  | { readonly controls: Controls | undefined; readonly problem?: undefined }
  | { readonly problem: string }

/** Values of repeatable controls a connection may have. */
const MOST_VALUES = 16

const CONTROL_BY_NAME: ReadonlyMap<string, Control<unknown>> = new Map(CONTROL_ENTRIES)

/** @param query without its `?` */
export function readControls(query: string, rules: ControlRules): ReadControls {
  if (query === '' || !query.includes(rules.prefix)) return { controls: undefined }
  const values: Record<string, unknown> = {}
  for (const [parameter, text] of new URLSearchParams(query)) {
    if (!parameter.startsWith(rules.prefix)) continue
    const problem = readOne(parameter, text, values, rules)
    if (problem !== undefined) return { problem }
  }
  if (Object.keys(values).length === 0) return { controls: undefined }
  const controls = values as Controls
  const problem = lonelyDetail(values, rules) ?? largeBomb(controls, rules) ?? uselessLocation(controls, rules)
  return problem === undefined ? { controls } : { problem }
}

function readOne(
  parameter: string,
  text: string,
  values: Record<string, unknown>,
  { prefix, restricted }: ControlRules,
): string | undefined {
  const name = parameter.slice(prefix.length)
  const control = CONTROL_BY_NAME.get(name)
  if (control === undefined) return unknown(parameter, name, prefix)
  if (control.restricted && !restricted)
    return `The control ${parameter} could hurt others, so it is only allowed with the option --controls all.`
  const value = control.kind.read(text)
  if (value === undefined) return `The control ${parameter} is ${quote(text)}; allowed are ${control.kind.allowed}.`
  if (!control.repeatable) {
    if (name in values) return `The control ${parameter} is given twice; allowed is once.`
    values[name] = value
    return undefined
  }
  values[name] ??= []
  const list = values[name] as unknown[]
  if (list.push(value) <= MOST_VALUES) return undefined
  return `The control ${parameter} is given more than ${MOST_VALUES} times.`
}

function unknown(parameter: string, name: string, prefix: string): string {
  const nearest = nearestName(name, CONTROL_BY_NAME.keys())
  const hint = nearest === undefined ? '' : ` The nearest is ${prefix}${nearest}.`
  return `There is no control ${quote(parameter)}.${hint} All of them: docs/controls.md, or /controls/catalogue on the admin port.`
}

/** A detail of something that was not asked for is a mistake. */
function lonelyDetail(values: Record<string, unknown>, { prefix }: ControlRules): string | undefined {
  for (const [name, { of }] of CONTROL_ENTRIES) {
    if (!(name in values) || of.length === 0 || of.some(partner => partner in values)) continue
    return `The control ${prefix}${name} is only allowed together with ${of.map(partner => prefix + partner).join(', ')}.`
  }
  return undefined
}

function largeBomb({ send }: Controls, { prefix, maxMessage }: ControlRules): string | undefined {
  if (send?.name !== 'bomb' || send.size <= maxMessage) return undefined
  return `The control ${prefix}send is a bomb of ${formatSize(send.size)}; allowed are sizes up to max-message, ${formatSize(maxMessage)}.`
}

function uselessLocation({ status, location }: Controls, { prefix }: ControlRules): string | undefined {
  if (location === undefined || (status !== undefined && status < 400)) return undefined
  return `The control ${prefix}location is only allowed with a ${prefix}status of 300–399.`
}

/** The controls as the answer tells them, such as `delay=200ms; close=4001`: names without prefix, safe in a field. */
export function writeControls(controls: Controls): string {
  const values = controls as Readonly<Record<string, unknown>>
  return CONTROL_ENTRIES.flatMap(([name, { kind, repeatable }]) => {
    if (!(name in values)) return []
    const list = repeatable ? (values[name] as readonly unknown[]) : [values[name]]
    return list.map(value => [name, kind.write(value)].filter(part => part !== '').join('='))
  }).join('; ')
}
