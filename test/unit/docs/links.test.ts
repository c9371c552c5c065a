// Every relative link of the pages leads to a file that is there, and every anchor to a heading.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { anchorsOf, linksOf } from '../../support/markdown.js'
import { ROOT } from '../../support/readme-blocks.js'

const PAGES = [
  ...['.', 'docs'].flatMap(folder => readdirSync(join(ROOT, folder)).map(file => join(folder, file))),
  'bench/README.md',
  'test/container/README.md',
  'test/kubernetes/README.md',
].filter(file => file.endsWith('.md'))

for (const page of PAGES)
  test(`the links of ${page} lead somewhere`, () => {
    const markdown = readFileSync(join(ROOT, page), 'utf8')
    for (const link of linksOf(markdown)) if (!/^https?:/.test(link)) assert.equal(problemOf(page, link), undefined)
  })

test('README.md leads to every page in docs', () => {
  const links = linksOf(readFileSync(join(ROOT, 'README.md'), 'utf8'))
  const pages = PAGES.filter(page => page.startsWith('docs/'))
  assert.deepEqual(
    pages.filter(page => !links.includes(page)),
    [],
  )
})

test('links and anchors are found as GitHub finds them', () => {
  const markdown = '# A `b` (c)\n\n## It\n## It\n[x](y.md#z) `[no](no)`\n```\n# no\n[no](no)\n```\n<img src="p.png">'
  assert.deepEqual([...anchorsOf(markdown)], ['a-b-c', 'it', 'it-1'])
  assert.deepEqual(linksOf(markdown), ['y.md#z', 'p.png'])
})

function problemOf(page: string, link: string): string | undefined {
  const [path, anchor] = link.split('#')
  const target = path === '' ? page : join(dirname(page), path)
  if (!existsSync(join(ROOT, target))) return `${link}: no such file`
  if (anchor === undefined) return undefined
  return anchorsOf(readFileSync(join(ROOT, target), 'utf8')).has(anchor) ? undefined : `${link}: no such heading`
}
