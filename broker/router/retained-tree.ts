import { FilterWalk } from './filter-walk.ts'
import { TopicTree } from './topic-tree.ts'

/** Retained messages by topic name. V is whatever the broker keeps of one; `undefined` stands for none. */
export class RetainedTree<V extends NonNullable<unknown>> extends TopicTree<V> {
  /**
   * The values whose topic name the filter covers [MQTT-5.0 4.7], found while they are asked for. A filter without
   * wildcards is a lookup. Siblings come in the order in which their level was first used.
   *
   * The tree may change in between: a value deleted before its turn does not appear, one set meanwhile may, also of a
   * topic that had its turn when it was deleted in between.
   *
   * @param topicFilter a valid topic filter, without `$share`
   */
  match(topicFilter: string): IterableIterator<V> {
    return new FilterWalk(this.rootOf(topicFilter), topicFilter)
  }

  /** All values, those of topics that begin with `$` too. */
  *values(): IterableIterator<V> {
    for (const path of ['', '$']) yield* new FilterWalk(this.rootOf(path), '#')
  }
}
