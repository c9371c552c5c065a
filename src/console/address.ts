// Where in the console somebody is: `#/`, `#/connections?…`, `#/connections/7`, `#/playground?…`. All of a view's state is
// in it, so a copied address shows the same.

export type Place =
  | { readonly view: 'overview' }
  | { readonly view: 'connections'; readonly query: URLSearchParams }
  | { readonly view: 'report'; readonly id: number }
  | { readonly view: 'playground'; readonly query: URLSearchParams }
  | { readonly view: 'unknown' }

export function placeOf(hash: string): Place {
  const [path, query = ''] = hash.replace(/^#/, '').split(/\?(.*)/s)
  if (path === '' || path === '/') return { view: 'overview' }
  if (path === '/connections') return { view: 'connections', query: new URLSearchParams(query) }
  if (path === '/playground') return { view: 'playground', query: new URLSearchParams(query) }
  const [, id] = /^\/connections\/(\d{1,15})$/.exec(path) ?? []
  return id === undefined ? { view: 'unknown' } : { view: 'report', id: Number(id) }
}

/** Without parameters that have no value. */
export function hashOf(path: string, parameters: Iterable<readonly [string, string]>): string {
  const query = new URLSearchParams(
    [...parameters].filter(([, value]) => value !== '').map(([name, value]): [string, string] => [name, value]),
  )
  return query.size === 0 ? `#${path}` : `#${path}?${query}`
}
