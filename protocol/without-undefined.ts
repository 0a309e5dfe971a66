type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** The object without the properties that are undefined: in our JSON and our records an absent value is absent. */
export function withoutUndefined<T extends object>(value: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Partial<Defined<T>>
}
