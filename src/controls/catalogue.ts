// All controls with what there is to know of each: the JSON of /controls/catalogue, and the tables of docs/controls.md.

import { HANDSHAKE_FAULTS, type HandshakeFault } from './handshake-faults.js'
import { CONTROL_ENTRIES } from './schema.js'
import { VIOLATION_NAMES, violationOf } from './violations.js'

export interface CatalogueEntry {
  readonly name: string
  readonly group: string
  readonly help: string
  /** Completes "allowed are …". */
  readonly allowed: string
  readonly example: string
  readonly repeatable: boolean
  /** Only with `--controls all`. */
  readonly restricted: boolean
  /** For a detail, the controls that it belongs to. */
  readonly of: readonly string[]
  /** Whether it exists over HTTP/1.1, and over HTTP/2. */
  readonly http1: boolean
  readonly http2: boolean
}

export interface ViolationEntry {
  /** As a value, such as `send=masked`. */
  readonly name: string
  readonly help: string
  readonly duty: string
  readonly codes: readonly number[]
  readonly source: string
  readonly needsDeflate: boolean
}

export interface Catalogue {
  readonly prefix: string
  readonly controls: readonly CatalogueEntry[]
  readonly violations: readonly ViolationEntry[]
}

export function catalogue(prefix: string): Catalogue {
  const controls = CONTROL_ENTRIES.map(([name, { kind, http1Only, ...about }]) => ({
    name: prefix + name,
    ...about,
    allowed: kind.allowed,
    of: about.of.map(partner => prefix + partner),
    http1: true,
    http2: !http1Only,
  }))
  return { prefix, controls, violations: [...sendings(), ...faults()] }
}

function sendings(): ViolationEntry[] {
  return VIOLATION_NAMES.map(name => {
    const { help, duty, codes, source, deflate = false } = violationOf(name)
    return { name: `send=${name}`, help, duty, codes, source, needsDeflate: deflate }
  })
}

function faults(): ViolationEntry[] {
  return Object.entries<HandshakeFault>(HANDSHAKE_FAULTS).map(([name, { help, duty, codes, source }]) => ({
    name: `handshake=${name}`,
    help,
    duty,
    codes,
    source,
    needsDeflate: false,
  }))
}

/** Markdown table of the controls; stands between the markers `controls` of docs/controls.md. */
export function renderControlsTable(): string {
  const rows = CONTROL_ENTRIES.map(([name, { kind, group, help, example, restricted, repeatable, http1Only }]) => {
    const written = example === '' ? name : `${name}=${example}`
    const allowed = name === 'send' || name === 'handshake' ? 'see below' : kind.allowed
    const notes = [
      help,
      http1Only ? 'Over HTTP/1.1 only.' : '',
      restricted ? 'Needs `--controls all`.' : '',
      repeatable ? 'Repeatable.' : '',
    ]
    return [`\`${written}\``, group, allowed, notes.filter(note => note !== '').join(' ')]
  })
  return table(['Control', 'Group', 'Allowed', 'What it does'], rows)
}

/** Markdown table of what send and handshake do, and what the RFC has a client do; between the markers `violations`. */
export function renderViolationsTable(): string {
  const rows = [...sendings(), ...faults()].map(({ name, help, duty, codes, source, needsDeflate }) => [
    `\`${name}\``,
    needsDeflate ? `${help} (needs permessage-deflate)` : help,
    DUTIES[duty],
    codes.join(', '),
    source,
  ])
  return table(['Control', 'What the server does', 'The client', 'Codes that fit', 'Source'], rows)
}

const DUTIES: Readonly<Record<string, string>> = {
  must: 'must fail the connection',
  should: 'should fail the connection',
  none: 'nothing said',
  'go-on': 'has to go on',
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...rows].map(cells => `| ${cells.map(escapeCell).join(' | ')} |`).join('\n')
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|')
}
