/**
 * A module of its own, to be loaded by who connects: help, and commands that use no broker, would spend half their time
 * on it.
 */
export { connectAsync } from 'mqtt'
