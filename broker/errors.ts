import { CodedError, type ErrorExplanation } from '../protocol/coded-error.ts'

/** Every code that `broker/` throws beside those of its configuration, with when it happens and what to do. */
export const brokerErrors = {
  ERR_OPTIONS_INVALID: { cause: 'an option of createBroker has a wrong type or value', remedy: 'see the message' },
  ERR_LISTEN_FAILED: {
    cause: 'the port is in use, the address is not one of this machine, or only root may have the port',
    remedy:
      'stop what listens there, or choose another port or address; below 1024 with CAP_NET_BIND_SERVICE, which the systemd unit gives',
  },
  ERR_TLS_UNUSABLE: {
    cause:
      'a file or directory of TLS of a listener cannot be read, is not what it should be, or does not fit the others; or unknown ciphers',
    remedy: 'check the files named in the message; a key must have no passphrase and be readable by the broker',
  },
  ERR_PID_FILE: {
    cause: 'the file named by pid_file cannot be written',
    remedy: 'name one in a directory that the broker may write to, or leave it out where a service manager runs it',
  },
  ERR_USER_UNKNOWN: {
    cause: 'the user that the broker is to become is not in /etc/passwd',
    remedy: 'make the user, or write the name of one that is there; `user root` stays root',
  },
  ERR_USER_CHANGE: {
    cause: 'started as root, the broker was not allowed to become the user that it is to be',
    remedy:
      'give it CAP_SETUID, CAP_SETGID and CAP_CHOWN, start it as that user, or write `user root` where root has no rights anyway',
  },
  ERR_DATA_DIRECTORY: {
    cause: 'the user that the broker runs as cannot make, read or write the data directory or what is in it',
    remedy:
      'give the directory to that user (`chown -R USER DIRECTORY`); or write `user root`, and a broker that root starts stays root',
  },
  ERR_ENGINE_VERSION: {
    cause: 'a package of the MQTT engine is missing or has another version than the one this broker guards',
    remedy: 'install notarymq anew from its package, which carries them; in a clone: npm ci',
  },
} as const satisfies Record<string, ErrorExplanation>

export type BrokerErrorCode = keyof typeof brokerErrors

/** Thrown by everything in `broker/` but its configuration. */
export class BrokerError extends CodedError<BrokerErrorCode> {}
