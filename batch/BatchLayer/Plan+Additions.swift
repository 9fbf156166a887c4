import MergeLaw
import ViewLanguage

extension Plan {
    /// Whether the exact states of new events can be added to those of the events before, group by group:
    ///
    ///     states(old and new) = states(old) + states(new)
    ///
    /// Not where a state is a result and not what it came from (distinct counts, percentiles), nor where of equal values one stands for all and only
    /// the layers' own order says which (intervals, arrays, JSON). Views without a window: the others compute the windows that new events touch.
    var canBeAddedTo: Bool { window == nil && laws.allSatisfy(\.canBeAddedTo) }
}
