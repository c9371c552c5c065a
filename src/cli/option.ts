// What an option is made of: a zod field that reads its text, and beside it what help and README tell about it.

import { z } from 'zod'
import type { Kind } from './values.js'

export const GROUPS = ['Listening', 'Processes', 'Compression', 'Limits', 'Timeouts and flow', 'Admin and log'] as const

export interface OptionInfo {
  readonly group: (typeof GROUPS)[number]
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

function described<S extends z.ZodType>(
  type: S,
  kind: Kind<unknown>,
  about: About,
  traits: Partial<Pick<OptionInfo, 'repeatable' | 'secret'>> = {},
): S {
  optionInfo.add(type, { ...about, allowed: kind.allowed, repeatable: false, secret: false, ...traits })
  return type
}
