/** What the broker says of a publish in user properties begins with this; nobody else may say it. */
export const reservedPropertyPrefix = 'notarymq-'

type UserProperty = readonly [name: string, value: string]

export function isReservedProperty(name: string): boolean {
  return name.startsWith(reservedPropertyPrefix)
}

/**
 * What is left of user properties when forged ones are taken out, in their order: one of our two deviations from
 * [MQTT-5.0 3.3.2-17]. The same array when there is nothing to take out.
 */
export function withoutReserved<Property extends UserProperty>(given: readonly Property[]): readonly Property[] {
  return given.some(([name]) => isReservedProperty(name)) ? given.filter(([name]) => !isReservedProperty(name)) : given
}
