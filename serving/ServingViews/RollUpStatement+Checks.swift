import Catalog
import MergeLaw
import ParallaxCore
import ViewLanguage

/// What does not fit the view is refused, as `.input`, before PostgreSQL is asked.
extension RollUpStatement {
    static func refused(_ version: ViewVersion, _ message: String, hint: String) -> ParallaxError {
        ParallaxError(.input, "view \"\(version.viewName)\": \(message)", hint: hint)
    }
    func refused(_ message: String, hint: String) -> ParallaxError { Self.refused(version, message, hint: hint) }

    static func bucket(_ rollUp: RollUp, _ version: ViewVersion, _ fit: BucketFit?) throws(ParallaxError) -> EffectiveBucket {
        guard let fit else {
            guard rollUp.bucket == .window || rollUp.bucket == .range else {
                throw refused(version, "it has no windows that a bucket could hold", hint: "leave the bucket out")
            }
            return .none
        }
        func fits(_ refusal: BucketFit.Refusal?) throws(ParallaxError) {
            if let refusal { throw refused(version, refusal.message, hint: refusal.hint) }
        }
        switch rollUp.bucket {
        case .window: return fit.kind.sessionGap == nil ? .windows : .sessions
        case .range:
            try fits(fit.never)
            return .range
        case .length(let length):
            if let zone = fit.zoneOfWindows, let unit = unit(ofLength: length) {
                try fits(fit.refusal(of: unit, zone: zone))
                return .calendar(unit, zone: zone)
            }
            try fits(fit.refusal(ofLength: length))
            return .length(length)
        case .calendar(let unit, let named):
            let zone = named ?? fit.zoneOfWindows ?? "UTC"
            try fits(fit.refusal(of: unit, zone: zone))
            return .calendar(unit, zone: zone)
        }
    }

    static func unit(ofLength length: Int64) -> Plan.Window.CalendarUnit? {
        switch length {
        case CalendarInterval.microsecondsPerDay: .day
        case 7 * CalendarInterval.microsecondsPerDay: .week
        default: nil
        }
    }

    /// By the name of its column in the view, or in GROUP BY where the view does not show it.
    static func group(_ name: String, _ version: ViewVersion) throws(ParallaxError) -> Int {
        for output in version.plan.outputs where output.name == name { if case .group(let index) = output.value { return index } }
        if let index = version.plan.groups.firstIndex(where: { $0.name == name }) { return index }
        let names = groupNames(version.plan)
        throw refused(
            version, "\"\(name)\" is none of its group columns",
            hint: names.isEmpty ? "it has none" : "they are: \(names.joined(separator: ", "))")
    }

    static func groupNames(_ plan: Plan) -> [String] {
        plan.groups.indices.map { index in plan.outputs.first { $0.value == .group(index) }?.name ?? plan.groups[index].name }
    }

    static func output(_ name: String, _ version: ViewVersion) throws(ParallaxError) -> Int {
        if let index = version.plan.outputs.firstIndex(where: { $0.name == name }) { return index }
        throw refused(
            version, "it has no column \"\(name)\"", hint: "its columns are: \(version.plan.outputs.map(\.name).joined(separator: ", "))")
    }

    func checkRange() throws(ParallaxError) {
        if case .none = bucket, rollUp.from != nil || rollUp.until != nil {
            throw refused("it has no windows, so a range means nothing", hint: "leave from and until out")
        }
        if let from = rollUp.from, let until = rollUp.until, from >= until {
            throw refused("the range ends before it begins", hint: "it is half-open: windows that start at from or later, and before until")
        }
    }

    func checkOutputs(isChosen: Bool) throws(ParallaxError) {
        let text = text(from: nil, until: nil, filters: [])
        if text.havingIsLost {
            throw refused("its HAVING reads a group or a window that is left out", hint: "keep the group, or take a bucket")
        }
        guard isChosen || topOutput != nil else { return }
        for output in (isChosen ? outputs : []) + [topOutput].compactMap({ $0 }) {
            if case .never = text.presence(of: output) {
                throw refused(
                    "\"\(plan.outputs[output].name)\" is of a group or a window that is left out",
                    hint: "leave the column out, too; or keep the group, or take a bucket")
            }
        }
    }

    func checkTop() throws(ParallaxError) {
        guard let top = rollUp.top, let topOutput else { return }
        guard top.count > 0 else { throw refused("a top of \(top.count) groups is none", hint: "ask for at least one") }
        guard !groups.isEmpty else { throw refused("a top needs groups to choose from", hint: "keep a group column") }
        if case .sessions = bucket {
            throw refused(
                "the sessions of one group have nothing in common with those of another", hint: "order the rows themselves, with a limit")
        }
        if top.scope == .range, let never = fit?.never {
            throw refused(never.message, hint: "choose the top of each window")
        }
        switch plan.outputs[topOutput].value {
        case .measure, .finished: break
        case .window, .windowEnd, .group:
            throw refused("\"\(top.output)\" is no measure to choose the top by", hint: "name a measure, or an expression over measures")
        }
        guard top.scope == .range, let fit else { return }
        let range = text(from: nil, until: nil, filters: []).ofRange(fit)
        if case .never = range.presence(of: topOutput) {
            throw refused("\"\(top.output)\" reads the window, and the whole range is none", hint: "choose the top of each bucket")
        }
        if range.havingIsLost {
            throw refused("its HAVING reads the window, and the whole range is none", hint: "choose the top of each bucket")
        }
    }

    func check(_ compare: CalendarInterval) throws(ParallaxError) {
        let length = Int64(exactly: compare.span) ?? .max
        func needs(_ isRight: Bool, _ words: String) throws(ParallaxError) {
            guard isRight, compare.months >= 0, compare.days >= 0, compare.microseconds >= 0, length > 0 else {
                throw refused(
                    "what is compared would not begin where its windows do: compare has to be \(words)",
                    hint: "it is how long before, and positive")
            }
        }
        func steps(_ step: Int64) throws(ParallaxError) {
            try needs(compare.months == 0 && length % step == 0, "a multiple of \(step / 1_000_000) seconds, without months")
        }
        func units(_ unit: Plan.Window.CalendarUnit) throws(ParallaxError) {
            let (months, days) = (compare.months, compare.days)
            switch unit {
            case .day: try needs(months == 0 && compare.microseconds == 0, "whole days")
            case .week: try needs(months == 0 && days % 7 == 0 && compare.microseconds == 0, "whole weeks")
            case .month: try needs(days == 0 && compare.microseconds == 0, "whole months")
            case .quarter: try needs(days == 0 && months % 3 == 0 && compare.microseconds == 0, "whole quarters")
            case .year: try needs(days == 0 && months % 12 == 0 && compare.microseconds == 0, "whole years")
            }
        }
        if case .range = bucket, rollUp.from == nil || rollUp.until == nil {
            throw refused("a period before the whole range needs a range", hint: "give from and until")
        }
        switch (bucket, plan.window?.kind) {
        case (.none, _), (.sessions, _):
            throw refused("only windows that stand still have a period before them", hint: "leave compare out")
        case (.length(let step), _): try steps(step)
        case (.calendar(let unit, _), _): try units(unit)
        case (_, .calendar(let unit, _)): try units(unit)
        case (_, .tumbling(let step, _)), (.windows, .hopping(let step, _, _)): try steps(step)
        default:
            let steps = fit?.steps
            try needs(compare.months == 0 && steps.map { length % $0.step == 0 } ?? false, "a multiple of its windows")
        }
    }
}
