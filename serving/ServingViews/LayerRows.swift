import Catalog
import ParallaxCore
import ViewLanguage

/// Whose rows an answer holds.
public enum ServedLayer: String, Sendable, CaseIterable {
    /// What `serving.<view>` shows.
    case merged
    /// The published run's rows, with nothing live in them.
    case batch
    /// What the speed layer has seen since the published cut, alone.
    case speed
}

/// The rows of one layer, or of a publication that is kept, as a SELECT with the columns of `serving.<view>`.
public enum LayerRows {
    /// - Parameter publication: nil: that of now.
    public static func text(_ version: ViewVersion, _ layer: ServedLayer, asOf publication: Published? = nil) -> String {
        MergedViewSQL(version, asOf: publication).layerText(layer)
    }
}

extension Plan.Output {
    /// The measures that a column shows or is computed from.
    public var measures: Set<Int> {
        switch value {
        case .measure(let index): [index]
        case .finished(let finisher): finisher.measures
        case .window, .windowEnd, .group: []
        }
    }
}
