// The table of folders in docs/architecture.md says what the lint rules enforce, and what the imports in src keep to.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { ROOT, readPage } from '../../support/readme-blocks.js'

interface Override {
  readonly includes: readonly string[]
  readonly linter: {
    rules: { style?: { noRestrictedImports?: { options: { patterns: { group: string[] }[] } } } }
  }
}

const SRC = join(ROOT, 'src')
const FOLDERS = readdirSync(SRC, { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? [entry.name] : []))

/** What each folder may import, by the table: | `src/NAME` | what for | `NAME`, `NAME` |. */
const ALLOWED = new Map(
  [...readPage('docs/architecture.md').matchAll(/^\| `src\/([a-z]+)` \|[^|]*\|([^|]*)\|$/gm)].map(([, name, cell]) => [
    name,
    [...cell.matchAll(/`([a-z]+)`/g)].map(([, allowed]) => allowed),
  ]),
)

test('the table has every folder, and names no other', () => {
  assert.deepEqual([...ALLOWED.keys()].sort(), FOLDERS.sort())
  for (const names of ALLOWED.values()) for (const name of names) assert.ok(FOLDERS.includes(name), name)
})

test('the lint rules forbid what the table does not allow', () => {
  const { overrides } = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8')) as { overrides: Override[] }
  for (const [folder, allowed] of ALLOWED) {
    const rules = overrides.filter(({ includes }) => includes.includes(`src/${folder}/**`))
    const groups = rules.flatMap(({ linter }) => linter.rules.style?.noRestrictedImports?.options.patterns ?? [])
    const forbidden = groups.flatMap(({ group }) => group)
    const others = FOLDERS.filter(name => name !== folder)
    const open = others.filter(name => !forbidden.includes('../**') && !forbidden.includes(`../${name}/**`))
    assert.deepEqual(open.sort(), [...allowed].sort(), `biome.json on src/${folder}`)
  }
})

test('the imports in src keep to the table', () => {
  for (const file of readdirSync(SRC, { recursive: true, encoding: 'utf8' })) {
    if (!/\.[jt]s$/.test(file)) continue
    const from = folderOf(file)
    for (const imported of importsOf(file)) {
      const to = folderOf(imported)
      if (to === from || to === '.') continue
      assert.ok(allowedTo(file, from).includes(to), `src/${file} imports ${imported}`)
    }
  }
})

/** A folder of src, or `.` for a file that stands in src itself. */
function folderOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : '.'
}

/** The files that stand in src itself import no folder, but for the two that the page names. */
function allowedTo(file: string, folder: string): readonly string[] {
  if (file === 'main.ts') return ['cli', 'load', 'primary', 'worker']
  if (file === 'messages.ts') return ['report']
  return ALLOWED.get(folder) ?? []
}

/** Relative to src. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), 'utf8')
  const specifiers = [...text.matchAll(/(?:\bfrom|\bimport|\bimport\(|\bURL\() ?'(\.{1,2}\/[^']+)'/g)]
  return specifiers.map(([, specifier]) => relative(SRC, join(SRC, dirname(file), specifier)))
}
