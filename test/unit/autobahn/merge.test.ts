import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { mergeIndexes, mergePages, mergeReports } from '../../autobahn/merge.js'

/** As the suite writes it: a row for each of three cases, of which `run` have a result. */
function page(...run: string[]): string {
  const rows = ['1.1.1', '1.1.10', '2.1'].map(id => {
    const name = id.replaceAll('.', '_')
    const result = run.includes(id)
      ? `<td class="case_ok"><a href="echobahn_case_${name}.html">Pass</a></td>`
      : '<td class="case_missing close_flex" colspan="2">Missing</td>'
    return `<tr class="agent_case_result_row">\n<td class="case"><a href="#case_desc_${name}">Case ${id}</a></td>\n${result}\n</tr>`
  })
  return `<html>head\n${rows.join('\n')}\nfoot</html>`
}

describe('merging reports', () => {
  it('takes the row of each case from the page that has a result', () => {
    assert.equal(mergePages([page('1.1.1'), page('2.1'), page('1.1.10')]), page('1.1.1', '1.1.10', '2.1'))
  })

  it('leaves cases missing that nobody ran', () => {
    assert.equal(mergePages([page('2.1'), page('1.1.10')]), page('1.1.10', '2.1'))
  })

  it('puts indexes together by agent', () => {
    const merged = mergeIndexes([{ echobahn: { '1.1.1': 1 } }, { echobahn: { '2.1': 2 } }, {}])
    assert.deepEqual(merged, { echobahn: { '1.1.1': 1, '2.1': 2 } })
  })

  it('moves the pages of all cases to one directory', async t => {
    const root = mkdtempSync(join(tmpdir(), 'echobahn-merge-'))
    t.after(() => rmSync(root, { recursive: true }))
    const parts = ['1.1.1', '2.1'].map(id => {
      const part = join(root, id)
      mkdirSync(part)
      writeFileSync(join(part, 'index.html'), page(id))
      writeFileSync(join(part, 'index.json'), JSON.stringify({ echobahn: { [id]: {} } }))
      writeFileSync(join(part, `echobahn_case_${id.replaceAll('.', '_')}.html`), id)
      writeFileSync(join(part, 'spec.json'), '{}')
      return part
    })
    const target = join(root, 'merged')
    await mergeReports(parts, target)
    const files = ['echobahn_case_1_1_1.html', 'echobahn_case_2_1.html', 'index.html', 'index.json']
    assert.deepEqual(readdirSync(target).sort(), files)
    assert.equal(readFileSync(join(target, 'index.html'), 'utf8'), page('1.1.1', '2.1'))
    assert.deepEqual(JSON.parse(readFileSync(join(target, 'index.json'), 'utf8')), {
      echobahn: { '1.1.1': {}, '2.1': {} },
    })
  })
})
