// A copy of the compiled code to break: it stands in a folder like the project's own, so that tests find in it all they
// look for, the README say.

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/root.js'

export const CACHE = join(ROOT, '.cache/mutate')
const TREE = join(CACHE, 'tree')
export const BUILD = join(TREE, '.build')

/** The folders at the root that are copied or left out; all the rest is linked. */
const OWN = new Set(['.build', '.cache', '.git'])

/** Makes the copy anew. */
export function makeTree(): void {
  rmSync(TREE, { recursive: true, force: true })
  mkdirSync(TREE, { recursive: true })
  for (const name of readdirSync(ROOT)) if (!OWN.has(name)) symlinkSync(join(ROOT, name), join(TREE, name))
  cpSync(join(ROOT, '.build'), BUILD, { recursive: true })
}

/** The compiled file of a source file, both as paths from the root of the project. */
export function compiledOf(source: string): string {
  return source.replace(/\.ts$/, '.js')
}

/** Source files of a folder or the file itself, sorted. Throws when there is none. */
export function sourcesOf(target: string): string[] {
  if (target.endsWith('.ts')) return [target]
  return readdirSync(join(ROOT, target), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => `${target}/${name}`)
    .sort()
}

export function readCompiled(compiled: string): string {
  return readFileSync(join(BUILD, compiled), 'utf8')
}

export function writeCompiled(compiled: string, text: string): void {
  writeFileSync(join(BUILD, compiled), text)
}
