// What a reader expects of a panel that was drawn: no error, something to see, and a legend that is whole.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Drawn } from '../pictures/panels/src/request.js'
import { type Dashboard, isDrawable, panelsOf } from './panel-queries.js'

/** @param hasData tells by the title whether a panel has anything to show */
export async function everyPanelIsWhole(
  t: TestContext,
  dashboard: Dashboard,
  drawn: readonly Drawn[],
  hasData: (title: string) => boolean,
): Promise<void> {
  const drawable = panelsOf(dashboard).filter(isDrawable)
  assert.notEqual(drawable.length, 0)
  for (const { id, title, type } of drawable) {
    await t.test(`${dashboard.title}, ${title}`, () => {
      const panel = drawn.find(panel => panel.id === id) ?? assert.fail('it is not there')
      assert.equal(panel.error, undefined)
      if (!hasData(title)) return
      assert.doesNotMatch(panel.text, /No data/)
      if (type === 'stat') return assert.match(panel.text.slice(title.length), /\d/)
      assert.ok(panel.coloured > 0, 'an empty frame')
      assert.ok(panel.legends > 0, 'no legend')
      assert.equal(panel.wholeLegends, panel.legends, 'the legend is cut')
    })
  }
}
