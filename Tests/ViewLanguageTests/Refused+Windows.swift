/// Windows. A statement (or a part of one, see `RefusalTests`), and what is printed for it.
let refusedWindows = #"""
    SELECT tumble(at, '1 minute') AS minute, count(*) FROM event
    views.sql:2:8: error: tumble(…) must appear in the GROUP BY clause
        2 | SELECT tumble(at, '1 minute') AS minute, count(*) FROM event
          |        ^
    hint: write GROUP BY minute

    SELECT tumble(at, '1 minute') AS minute, count(*) FROM event GROUP BY tumble(at, '1 hour')
    views.sql:2:8: error: a view can have one window only
        2 | SELECT tumble(at, '1 minute') AS minute, count(*) FROM event GROUP BY tumble(at, '1 hour')
          |        ^
    hint: write a view for each window

    SELECT count(*) FROM event GROUP BY tumble(at, '1 minute'), tumble(at, '1 hour')
    views.sql:2:61: error: a view can have one window only
        2 | SELECT count(*) FROM event GROUP BY tumble(at, '1 minute'), tumble(at, '1 hour')
          |                                                             ^
    hint: write a view for each window

    SELECT count(*) FROM event GROUP BY tumble(received, '1 minute')
    views.sql:2:44: error: tumble must be over the source's event time
        2 | SELECT count(*) FROM event GROUP BY tumble(received, '1 minute')
          |                                            ^
    hint: its event time is the column "at"

    SELECT count(*) FROM event GROUP BY tumble(page, '1 minute')
    views.sql:2:44: error: tumble must be over the source's event time
        2 | SELECT count(*) FROM event GROUP BY tumble(page, '1 minute')
          |                                            ^
    hint: its event time is the column "at"

    SELECT count(*) FROM event GROUP BY tumble('2024-01-01', '1 minute')
    views.sql:2:44: error: tumble must be over the source's event time
        2 | SELECT count(*) FROM event GROUP BY tumble('2024-01-01', '1 minute')
          |                                            ^
    hint: its event time is the column "at"

    SELECT count(*) FROM event GROUP BY tumble(att, '1 minute')
    views.sql:2:44: error: column "att" does not exist
        2 | SELECT count(*) FROM event GROUP BY tumble(att, '1 minute')
          |                                            ^
    hint: did you mean "at"?

    SELECT count(*) FROM event GROUP BY tumble(at)
    views.sql:2:37: error: tumble takes two or three arguments
        2 | SELECT count(*) FROM event GROUP BY tumble(at)
          |                                     ^
    hint: tumble(event_time, '1 minute') or tumble(event_time, '1 week', '2024-01-01 00:00+00')

    SELECT count(*) FROM event GROUP BY tumble(at, '1 month')
    views.sql:2:48: error: the size of a window: months and years have no fixed length
        2 | SELECT count(*) FROM event GROUP BY tumble(at, '1 month')
          |                                                ^
    hint: write weeks, days, hours, minutes or seconds

    SELECT count(*) FROM event GROUP BY tumble(at, '1 year 3 days')
    views.sql:2:48: error: the size of a window: months and years have no fixed length
        2 | SELECT count(*) FROM event GROUP BY tumble(at, '1 year 3 days')
          |                                                ^
    hint: write weeks, days, hours, minutes or seconds

    SELECT count(*) FROM event GROUP BY tumble(at, '0 minutes')
    views.sql:2:48: error: the size of a window must be greater than zero
        2 | SELECT count(*) FROM event GROUP BY tumble(at, '0 minutes')
          |                                                ^

    SELECT count(*) FROM event GROUP BY tumble(at, '-1 minute')
    views.sql:2:48: error: the size of a window must be greater than zero
        2 | SELECT count(*) FROM event GROUP BY tumble(at, '-1 minute')
          |                                                ^

    SELECT count(*) FROM event GROUP BY tumble(at, '1 minuet')
    views.sql:2:48: error: the size of a window: invalid input syntax for type interval: "1 minuet"
        2 | SELECT count(*) FROM event GROUP BY tumble(at, '1 minuet')
          |                                                ^
    hint: write a number and a unit, such as '1 minute' or '00:05:00'

    SELECT count(*) FROM event GROUP BY tumble(at, 60)
    views.sql:2:48: error: the size of a window must be a constant interval
        2 | SELECT count(*) FROM event GROUP BY tumble(at, 60)
          |                                                ^
    hint: write it in quotes, such as '1 minute'

    SELECT count(*) FROM event GROUP BY tumble(at, page)
    views.sql:2:48: error: the size of a window must be a constant interval
        2 | SELECT count(*) FROM event GROUP BY tumble(at, page)
          |                                                ^
    hint: write it in quotes, such as '1 minute'

    SELECT count(*) FROM event GROUP BY tumble(at, '2000000000 days')
    views.sql:2:48: error: the size of a window: interval out of range
        2 | SELECT count(*) FROM event GROUP BY tumble(at, '2000000000 days')
          |                                                ^
    hint: write a shorter one

    SELECT count(*) FROM event GROUP BY tumble(at, '1 minute', at)
    views.sql:2:60: error: the origin of a window must be a constant of type timestamp with time zone
        2 | SELECT count(*) FROM event GROUP BY tumble(at, '1 minute', at)
          |                                                            ^
    hint: write it in quotes, such as '2024-01-01 00:00+00'

    SELECT count(*) FROM event GROUP BY tumble(at, '1 minute', 5)
    views.sql:2:60: error: the origin of a window must be a constant of type timestamp with time zone
        2 | SELECT count(*) FROM event GROUP BY tumble(at, '1 minute', 5)
          |                                                            ^
    hint: write it in quotes, such as '2024-01-01 00:00+00'

    SELECT count(*) FROM event GROUP BY tumble(at, '1 minute', 'never')
    views.sql:2:60: error: invalid input syntax for type timestamp with time zone: "never"
        2 | SELECT count(*) FROM event GROUP BY tumble(at, '1 minute', 'never')
          |                                                            ^

    SELECT count(*) FROM event GROUP BY tumble(at, size => '1 minute')
    views.sql:2:48: error: the size of a window must be a constant interval
        2 | SELECT count(*) FROM event GROUP BY tumble(at, size => '1 minute')
          |                                                ^
    hint: write it in quotes, such as '1 minute'

    SELECT count(*) FROM event GROUP BY tumble(DISTINCT at, '1 minute')
    views.sql:2:37: error: DISTINCT is not supported here
        2 | SELECT count(*) FROM event GROUP BY tumble(DISTINCT at, '1 minute')
          |                                     ^

    SELECT count(*) FROM event WHERE tumble(at, '1 minute') > '2024-01-01'
    views.sql:2:34: error: tumble(…) may only be a whole item of GROUP BY or of the SELECT list
        2 | SELECT count(*) FROM event WHERE tumble(at, '1 minute') > '2024-01-01'
          |                                  ^
    hint: compute with the window's start in a CREATE VIEW on top of this view

    SELECT coalesce(tumble(at, '1 minute'), at) AS t FROM event GROUP BY t
    views.sql:2:17: error: tumble(…) may only be a whole item of GROUP BY or of the SELECT list
        2 | SELECT coalesce(tumble(at, '1 minute'), at) AS t FROM event GROUP BY t
          |                 ^
    hint: compute with the window's start in a CREATE VIEW on top of this view

    SELECT tumble(at, '1 minute') + '1 hour' AS t FROM event GROUP BY tumble(at, '1 minute')
    views.sql:2:8: error: tumble(…) may only be a whole item of GROUP BY or of the SELECT list
        2 | SELECT tumble(at, '1 minute') + '1 hour' AS t FROM event GROUP BY tumble(at, '1 minute')
          |        ^
    hint: compute with the window's start in a CREATE VIEW on top of this view

    SELECT count(*) FROM event GROUP BY hop(at, '1 second', '1 hour')
    views.sql:2:37: error: an event would be in 3600 windows
        2 | SELECT count(*) FROM event GROUP BY hop(at, '1 second', '1 hour')
          |                                     ^
    hint: at most 1000 are taken: hop(event_time, slide, size), with a longer slide or a smaller size

    SELECT count(*) FROM event GROUP BY hop(at, '0 seconds', '1 hour')
    views.sql:2:45: error: the slide of a window must be greater than zero
        2 | SELECT count(*) FROM event GROUP BY hop(at, '0 seconds', '1 hour')
          |                                             ^

    SELECT count(*) FROM event GROUP BY hop(at, '1 hour')
    views.sql:2:37: error: hop takes three or four arguments
        2 | SELECT count(*) FROM event GROUP BY hop(at, '1 hour')
          |                                     ^
    hint: hop(event_time, '1 minute', '5 minutes')

    SELECT count(*) FROM event GROUP BY session(at)
    views.sql:2:37: error: session takes two arguments
        2 | SELECT count(*) FROM event GROUP BY session(at)
          |                                     ^
    hint: session(event_time, '30 minutes')

    SELECT count(*) FROM event GROUP BY session(received, '5 minutes')
    views.sql:2:45: error: session must be over the source's event time
        2 | SELECT count(*) FROM event GROUP BY session(received, '5 minutes')
          |                                             ^
    hint: its event time is the column "at"

    SELECT count(*) FROM event GROUP BY session(at, duration)
    views.sql:2:49: error: the gap of a session must be a constant interval
        2 | SELECT count(*) FROM event GROUP BY session(at, duration)
          |                                                 ^
    hint: write it in quotes, such as '1 minute'

    SELECT count(*) FROM event GROUP BY session(at, '1 month')
    views.sql:2:49: error: the gap of a session: months and years have no fixed length
        2 | SELECT count(*) FROM event GROUP BY session(at, '1 month')
          |                                                 ^
    hint: write weeks, days, hours, minutes or seconds

    SELECT count(*) FROM event GROUP BY session(at, '-1 minute')
    views.sql:2:49: error: the gap of a session must be greater than zero
        2 | SELECT count(*) FROM event GROUP BY session(at, '-1 minute')
          |                                                 ^

    SELECT count(*) FROM event GROUP BY session(at, '0 seconds')
    views.sql:2:49: error: the gap of a session must be greater than zero
        2 | SELECT count(*) FROM event GROUP BY session(at, '0 seconds')
          |                                                 ^

    SELECT count(*) FROM event GROUP BY session(at, '367 days')
    views.sql:2:49: error: the gap of a session is too long
        2 | SELECT count(*) FROM event GROUP BY session(at, '367 days')
          |                                                 ^
    hint: at most 366 days are taken

    SELECT session(at, '1 hour') AS s, count(*) FROM event
    views.sql:2:8: error: session(…) must appear in the GROUP BY clause
        2 | SELECT session(at, '1 hour') AS s, count(*) FROM event
          |        ^
    hint: write GROUP BY s

    SELECT count(*) FROM event GROUP BY session(at, '1 hour'), tumble(at, '1 hour')
    views.sql:2:60: error: a view can have one window only
        2 | SELECT count(*) FROM event GROUP BY session(at, '1 hour'), tumble(at, '1 hour')
          |                                                            ^
    hint: write a view for each window

    SELECT count(*) FROM event WHERE session(at, '1 hour') > '2024-01-01'
    views.sql:2:34: error: session(…) may only be a whole item of GROUP BY or of the SELECT list
        2 | SELECT count(*) FROM event WHERE session(at, '1 hour') > '2024-01-01'
          |                                  ^
    hint: compute with the window's start in a CREATE VIEW on top of this view

    SELECT count(*) FROM event GROUP BY date_trunc('day', at, 'Mars/Olympus')
    views.sql:2:59: error: time zone "Mars/Olympus" not recognized
        2 | SELECT count(*) FROM event GROUP BY date_trunc('day', at, 'Mars/Olympus')
          |                                                           ^
    hint: write a name of the tz database, such as 'America/New_York'

    SELECT count(*) FROM event GROUP BY date_trunc('decade', at)
    views.sql:2:48: error: unit "decade" is not supported for the windows of date_trunc
        2 | SELECT count(*) FROM event GROUP BY date_trunc('decade', at)
          |                                                ^
    hint: supported: second, minute, hour, day, week, month, quarter, year

    SELECT tumble(at, '1 minute') AS minute, minute_end, count(*) FROM event GROUP BY minute, minute_end
    views.sql:2:42: error: a window is grouped by itself, not by its end
        2 | SELECT tumble(at, '1 minute') AS minute, minute_end, count(*) FROM event GROUP BY minute, minute_end
          |                                          ^
    hint: write tumble(…), or the name that AS gave it

    SELECT page, window_end, count(*) FROM event GROUP BY page
    views.sql:2:14: error: column "window_end" does not exist
        2 | SELECT page, window_end, count(*) FROM event GROUP BY page
          |              ^
    hint: the columns of "event" are: id, at, received, page, country, amount, total, quantity, duration, ratio, ok
    """#
