// What an option is made of: a zod field that reads its text, and beside it what help and README tell about it.

import { z } from 'zod'
import { kebabCase } from '../settings.js'
import type { Kind } from './values.js'

export const GROUPS = [
  'Listening',
  'Proxies',
  'Processes',
  'Compression',
  'Limits',
  'Timeouts and flow',
  'Test controls',
  'Admin and log',
] as const

export interface OptionInfo {
  readonly group: string
  /** One sentence. */
  readonly help: string
  /** As a user would write it, or in words when it is computed or nothing. */
  readonly default: string
  /** Completes "allowed are …". */
  readonly allowed: string
  /** The flag may be given again and the variable holds a comma-separated list. */
  readonly repeatable: boolean
  /** The value is never shown. */
  readonly secret: boolean
  /** The flag stands alone: it has no value. */
  readonly isSwitch: boolean
}

/** One of a command's options. */
export interface Option extends OptionInfo {
  /** Its name among the settings. */
  readonly field: string
  /** For example `--max-message`. */
  readonly flag: string
  /** For example `ECHOBAHN_MAX_MESSAGE`; undefined when there is no variable for it. */
  readonly variable: string | undefined
}

/** What a user gave for an option: its text, or its texts when it is repeatable. */
export type Texts = string | string[] | undefined

type About = Pick<OptionInfo, 'group' | 'default' | 'help'>

/** What is known about each field, for help, README and error lines. */
export const optionInfo = z.registry<OptionInfo>()

/** An option whose default is a text like any other, and is read by the same rules. */
export function option<T>(kind: Kind<T>, about: About): z.ZodType<T, string | undefined> {
  return described(kind.type.prefault(about.default), kind, about)
}

/** An option that stays undefined when it is not given; its default is words. */
export function optional<T>(kind: Kind<T>, about: About): z.ZodType<T | undefined, string | undefined> {
  return described(kind.type.optional(), kind, about)
}

/** As `optional`, for a value that is never shown. */
export function secret<T>(kind: Kind<T>, about: About): z.ZodType<T | undefined, string | undefined> {
  return described(kind.type.optional(), kind, about, { secret: true })
}

/** An option that may be given several times; empty when it is not given, which its default says in words. */
export function list<T>(kind: Kind<T>, about: About): z.ZodType<T[], string[] | undefined> {
  return described(z.array(kind.type).default([]), kind, about, { repeatable: true })
}

/** An option that is off unless its flag is there. */
export function flag(about: About): z.ZodType<boolean, string | undefined> {
  const type = z
    .string()
    .optional()
    .transform(text => text !== undefined)
  return described(type, { type: z.string(), allowed: 'the flag alone' }, about, { isSwitch: true })
}

/**
 * What the fields of a schema are as options, in their order.
 *
 * @param prefix of their variables; undefined for a command that looks at none
 */
export function optionsOf(fields: Readonly<Record<string, z.ZodType>>, prefix: string | undefined): Option[] {
  return Object.entries(fields).map(([field, type]) => {
    const info = optionInfo.get(type)
    if (info === undefined) throw new TypeError(`option ${field} is not described`)
    const name = kebabCase(field)
    const variable = prefix === undefined ? undefined : prefix + name.toUpperCase().replaceAll('-', '_')
    return { ...info, field, flag: `--${name}`, variable }
  })
}

function described<S extends z.ZodType>(
  type: S,
  kind: Kind<unknown>,
  about: About,
  traits: Partial<Pick<OptionInfo, 'repeatable' | 'secret' | 'isSwitch'>> = {},
): S {
  optionInfo.add(type, {
    ...about,
    allowed: kind.allowed,
    repeatable: false,
    secret: false,
    isSwitch: false,
    ...traits,
  })
  return type
}
