import { DerReader, type DerValue, derTag, objectIdentifierOf } from './der.ts'

/** One attribute of a name, such as CN. */
export interface NameAttribute {
  /** Dotted notation. */
  readonly type: string
  readonly value: DerValue
  /** Attributes of one relative distinguished name have the same number. */
  readonly set: number
}

export const commonName = '2.5.4.3'

/**
 * Reads a distinguished name (RFC 5280 section 4.1.2.4), in the order of the certificate.
 * @throws {DerError}
 */
export function attributesOf(name: Buffer): NameAttribute[] {
  const attributes: NameAttribute[] = []
  const sets = new DerReader(name).enter(derTag.sequence)
  for (let set = 0; !sets.isAtEnd; set++) {
    const members = sets.enter(derTag.set)
    while (!members.isAtEnd) {
      const member = members.enter(derTag.sequence)
      const type = objectIdentifierOf(member.read(derTag.objectIdentifier).content)
      attributes.push({ type, value: member.read(), set })
    }
  }
  return attributes
}

/**
 * The name as `use_subject_as_username` gives it: RFC 2253 in OpenSSL's short names, the last attribute first, every
 * byte that is not ASCII as `\C3`.
 */
export function formatName(attributes: readonly NameAttribute[]): string {
  return attributes
    .map((_, i) => attributes[attributes.length - 1 - i] as NameAttribute)
    .map(({ type, value, set }, i, reversed) => {
      const separator = i === 0 ? '' : reversed[i - 1]?.set === set ? '+' : ','
      const known = shortNames[type]
      return `${separator}${known ?? type}=${known === undefined ? dump(value) : formatValue(value)}`
    })
    .join('')
}

/** A value of a type that OpenSSL does not take for text. */
function dump({ encoding }: DerValue): string {
  return `#${encoding.toString('hex').toUpperCase()}`
}

/** Bytes for a character in the string types (X.680 section 41); all others are dumped. 0 is UTF-8. */
const characterBytes: Readonly<Record<number, 0 | 1 | 2 | 4>> = {
  12: 0,
  18: 1,
  19: 1,
  20: 1,
  22: 1,
  23: 1,
  24: 1,
  26: 1,
  28: 4,
  30: 2,
}

function formatValue(value: DerValue): string {
  const { content } = value
  const width = characterBytes[value.tag]
  if (width === undefined || (width > 1 && content.length % width !== 0)) return dump(value)
  const utf8 = width === 0 ? content : Buffer.from(decode(content, width), 'utf8')
  return [...utf8].map((byte, i) => escapeByte(byte, i === 0, i === utf8.length - 1)).join('')
}

function decode(content: Buffer, width: 1 | 2 | 4): string {
  if (width === 1) return content.toString('latin1')
  let text = ''
  for (let at = 0; at < content.length; at += width) {
    const point = content.readUIntBE(at, width)
    text += point > 0x10ffff ? '�' : String.fromCodePoint(point)
  }
  return text
}

function escapeByte(byte: number, isFirst: boolean, isLast: boolean): string {
  const character = String.fromCharCode(byte)
  if (byte < 0x20 || byte > 0x7e) return `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`
  if (',+"\\<>;'.includes(character)) return `\\${character}`
  if (character === ' ' && (isFirst || isLast)) return '\\ '
  if (character === '#' && isFirst) return '\\#'
  return character
}

/** OpenSSL's short names of what names are made of; another type is written as its number and dumped. */
const shortNames: Readonly<Record<string, string>> = {
  [commonName]: 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'street',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.13': 'description',
  '2.5.4.14': 'searchGuide',
  '2.5.4.15': 'businessCategory',
  '2.5.4.16': 'postalAddress',
  '2.5.4.17': 'postalCode',
  '2.5.4.18': 'postOfficeBox',
  '2.5.4.19': 'physicalDeliveryOfficeName',
  '2.5.4.20': 'telephoneNumber',
  '2.5.4.41': 'name',
  '2.5.4.42': 'GN',
  '2.5.4.43': 'initials',
  '2.5.4.44': 'generationQualifier',
  '2.5.4.45': 'x500UniqueIdentifier',
  '2.5.4.46': 'dnQualifier',
  '2.5.4.51': 'houseIdentifier',
  '2.5.4.54': 'dmdName',
  '2.5.4.65': 'pseudonym',
  '2.5.4.72': 'role',
  '2.5.4.97': 'organizationIdentifier',
  '2.5.4.98': 'c3',
  '2.5.4.99': 'n3',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.3': 'mail',
  '0.9.2342.19200300.100.1.25': 'DC',
  '0.9.2342.19200300.100.1.44': 'uid',
  '1.2.840.113549.1.9.1': 'emailAddress',
  '1.2.840.113549.1.9.2': 'unstructuredName',
  '1.2.840.113549.1.9.8': 'unstructuredAddress',
  '1.2.643.3.131.1.1': 'INN',
  '1.2.643.100.1': 'OGRN',
  '1.2.643.100.3': 'SNILS',
  '1.3.6.1.4.1.311.60.2.1.1': 'jurisdictionL',
  '1.3.6.1.4.1.311.60.2.1.2': 'jurisdictionST',
  '1.3.6.1.4.1.311.60.2.1.3': 'jurisdictionC',
}
