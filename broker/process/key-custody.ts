import { type KeyCustody, readKeyPassphrase } from '../../plugins/index.ts'

/**
 * How the private keys of the broker are kept: as the configuration says, or the service manager.
 * @param passphraseFile of the configuration; wins over the credential of systemd
 * @throws {PluginError} ERR_KEY_PASSPHRASE
 */
export function keyCustody(passphraseFile: string | undefined): KeyCustody {
  // systemd sets it for services with LoadCredential= (systemd.exec(5), "Credentials").
  const credentialsDirectory = process.env.CREDENTIALS_DIRECTORY
  return { passphrase: readKeyPassphrase(passphraseFile, credentialsDirectory), credentialsDirectory }
}
