// What the user gave, before it is read: the texts of each option and where they came from.

import type { ExitError } from '../errors.js'
import type { Option } from './option.js'
import { badOption, MASK } from './problem.js'

export interface GivenOption {
  readonly option: Option
  /** The flag or variable, as errors name it. */
  readonly source: string
  /** One text, or several when the option is repeatable. */
  readonly texts: readonly string[]
}

/** By the options' fields. */
export type GivenOptions = ReadonlyMap<string, GivenOption>

/** The error line of an option: `--port=x: allowed are whole numbers 0–65535`. A secret's value is masked. */
export function rejected(given: GivenOption, text: string, why: string): ExitError {
  return badOption(`${given.source}=${given.option.secret ? MASK : text}: ${why}`)
}
