// A live feed that has nothing to tell, for admin servers whose pages are of no concern.

import { Feed } from '../../src/admin/feed.js'

export function silentFeed(token?: string): Feed {
  return new Feed({ token: () => token, hello: () => ({}) })
}
