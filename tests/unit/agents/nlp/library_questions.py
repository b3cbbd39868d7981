"""Questions about the library, written before the planner ever saw it, with the SQL whose rows are right."""

ANSWERABLE: dict[str, list[str]] = {
    "How many loans were there in 2023?": ["SELECT count(*) FROM loans WHERE year(loaned_on) = 2023"],
    "average number of pages per genre": ["SELECT genre, avg(page_count) FROM books GROUP BY genre"],
    "Which branch had the most loans?": ["SELECT branch, count(*) FROM loans GROUP BY branch ORDER BY 2 DESC LIMIT 1"],
    "total fines by branch": ["SELECT branch, sum(fine_eur) FROM loans GROUP BY branch"],
    "top 3 authors by number of loans": [
        "SELECT author, count(*) FROM loans JOIN books USING (book_id) GROUP BY author ORDER BY 2 DESC, 1 LIMIT 3"
    ],
    "How many books were borrowed by members from Leeds?": [
        "SELECT count(*) FROM loans JOIN members USING (member_id) WHERE city = 'Leeds'",
        "SELECT count(DISTINCT book_id) FROM loans JOIN members USING (member_id) WHERE city = 'Leeds'",
    ],
    "loans per month": ["SELECT date_trunc('month', loaned_on)::DATE, count(*) FROM loans GROUP BY 1 ORDER BY 1"],
    "How many loans were never returned?": ["SELECT count(*) FROM loans WHERE returned_on IS NULL"],
    "What is the longest book?": [
        "SELECT title, page_count FROM books ORDER BY 2 DESC LIMIT 1",
        "SELECT title FROM books ORDER BY page_count DESC LIMIT 1",
        "SELECT max(page_count) FROM books",
    ],
    "average fine for crime books vs romance books": [
        "SELECT genre, avg(fine_eur) FROM loans JOIN books USING (book_id) WHERE genre <> 'Science Fiction' GROUP BY 1"
    ],
    "distribution of days kept": ["SELECT days_kept, count(*) FROM loans WHERE days_kept IS NOT NULL GROUP BY 1"],
    "How many different members borrowed something in March 2023?": [
        "SELECT count(DISTINCT member_id) FROM loans WHERE loaned_on >= '2023-03-01' AND loaned_on < '2023-04-01'"
    ],
    "number of loans in the Harbour branch with a fine over 2 euros": [
        "SELECT count(*) FROM loans WHERE branch = 'Harbour' AND fine_eur > 2"
    ],
    "how old are members on average in each city": ["SELECT city, avg(age) FROM members GROUP BY city"],
    "share of loans by genre": [
        "SELECT genre, 100.0 * count(*) / sum(count(*)) OVER () FROM loans JOIN books USING (book_id) GROUP BY genre"
    ],
    "Who borrowed the most books?": [
        "SELECT name, count(*) FROM loans JOIN members USING (member_id) GROUP BY name ORDER BY 2 DESC LIMIT 1"
    ],
    "median days kept by genre and branch": [
        "SELECT genre, branch, median(days_kept) FROM loans JOIN books USING (book_id) GROUP BY ALL"
    ],
    "loans returned in Febuary 2024": [
        "SELECT count(*) FROM loans WHERE returned_on >= '2024-02-01' AND returned_on < '2024-03-01'"
    ],
    "is there a correlation between page count and price?": ["SELECT page_count, price_eur FROM books"],
    "which branches have more than 25 loans": [
        "SELECT branch, count(*) FROM loans GROUP BY branch HAVING count(*) > 25"
    ],
    "cheapest book price": ["SELECT min(price_eur) FROM books"],
    "average fine excluding North Hall": ["SELECT avg(fine_eur) FROM loans WHERE branch <> 'North Hall'"],
}

UNANSWERABLE: list[str] = [
    "How many librarians work at Harbour?",
    "average rating of books",
    "Which DVDs were borrowed most?",
    "loans in 2019",
    "Why are fines so high?",
    "What is the best book?",
]
