/**
 * How two topic filters lie to each other, as sets of the topic names that they cover [MQTT-5.0 4.7]. Two filters may be
 * written differently and cover the same: `#` and `+/#`.
 */

/** Whether every topic name that `inner` covers is covered by `outer` too. @param outer, inner valid topic filters */
export function filterContains(outer: string, inner: string): boolean {
  if (isOnlyDollar(inner) && beginsWithWildcard(outer)) return false
  const outerLevels = outer.split('/')
  const innerLevels = inner.split('/')
  for (const [index, outerLevel] of outerLevels.entries()) {
    if (outerLevel === '#') return true
    const innerLevel = innerLevels[index]
    if (innerLevel === undefined) return false
    // `a/#` covers `a` as well, which nothing but `#` in this place does; only `#` alone has no such parent.
    if (innerLevel === '#') return index === 0 && outer === '+/#'
    if (outerLevel !== '+' && outerLevel !== innerLevel) return false
  }
  return innerLevels.length === outerLevels.length
}

/** Whether `outer` covers every topic name that `inner` covers, and others. @param outer, inner valid topic filters */
export function filterStrictlyContains(outer: string, inner: string): boolean {
  return filterContains(outer, inner) && !filterContains(inner, outer)
}

/** Whether some topic name is covered by both. @param one, other valid topic filters */
export function filtersOverlap(one: string, other: string): boolean {
  if (isOnlyDollar(one) && beginsWithWildcard(other)) return false
  if (isOnlyDollar(other) && beginsWithWildcard(one)) return false
  const oneLevels = one.split('/')
  const otherLevels = other.split('/')
  for (let index = 0; ; index++) {
    const oneLevel = oneLevels[index]
    const otherLevel = otherLevels[index]
    if (oneLevel === '#' || otherLevel === '#') return true
    if (oneLevel === undefined || otherLevel === undefined) return oneLevel === otherLevel
    if (oneLevel !== '+' && otherLevel !== '+' && oneLevel !== otherLevel) return false
  }
}

/** Covers only topic names that begin with `$`, which no wildcard in first place covers [MQTT-5.0 4.7.2-1]. */
function isOnlyDollar(filter: string): boolean {
  return filter.startsWith('$')
}

function beginsWithWildcard(filter: string): boolean {
  return filter.startsWith('#') || filter.startsWith('+')
}
