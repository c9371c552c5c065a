// What --version and --print-config print.

import { createRequire } from 'node:module'
import { maskedSettings, type Settings } from '../settings.js'
import { OPTIONS } from './schema.js'

const manifest: { readonly version: string } = createRequire(import.meta.url)('#package.json')

/** The version of the package, for example `1.2.3`. */
export const VERSION = manifest.version

/** JSON of the settings under the names of their flags, in the order of help; an option that is not set is null. */
export function renderConfig(settings: Settings): string {
  const masked = maskedSettings(settings)
  const entries = OPTIONS.map(({ field, flag }) => [flag.slice(2), masked[field] ?? null])
  return JSON.stringify(Object.fromEntries(entries), null, 2)
}
