"""What a statement may be made of: everything else that DuckDB knows, now or later, is refused.

The names are those of DuckDB's own parse (`json_serialize_sql`), where operators are functions too. Left out on
purpose: whatever reads files, settings, the environment or the catalogue, waits, writes, runs text as SQL, or makes a
value whose size its input does not bound (`range`, `repeat`, `printf`, lambdas, edit distances of long texts, ...).
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTIONS = (
    _words("+ - * / // % ^ ** || ~~ !~~ ~~* !~~* ~~~ ^@ & |")
    | _words("""
        any_value approx_count_distinct approx_quantile arbitrary arg_max arg_min argmax argmin array_agg avg bool_and
        bool_or corr count count_if count_star countif covar_pop covar_samp entropy favg first fsum geomean
        geometric_mean group_concat kahan_sum kurtosis kurtosis_pop last list listagg mad max max_by mean median min
        min_by mode product quantile quantile_cont quantile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2
        regr_slope regr_sxx regr_sxy regr_syy sem skewness stddev stddev_pop stddev_samp string_agg sum sumkahan
        var_pop var_samp variance wavg weighted_avg
        """)
    | _words("""
        cume_dist dense_rank fill first_value lag last_value lead nth_value ntile percent_rank rank rank_dense
        row_number
        """)
    | _words("""
        age century current_localtimestamp date_add date_diff date_part date_sub date_trunc datediff datepart datesub
        datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month decade epoch epoch_ms epoch_us
        get_current_timestamp hour isodow isoyear julian last_day make_date make_time make_timestamp microsecond
        millisecond minute month monthname now quarter second strftime strptime time_bucket timezone to_days to_hours
        to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years today try_strptime
        week weekday weekofyear year yearweek
        """)
    | _words("""
        ascii char_length character_length chr concat concat_ws contains ends_with instr lcase left len length lower
        lpad ltrim position prefix regexp_extract regexp_full_match regexp_matches regexp_replace replace reverse right
        rpad rtrim split_part starts_with strip_accents strlen strpos substr substring suffix translate trim ucase
        unicode upper
        """)
    | _words("""
        abs acos add asin atan atan2 cbrt ceil ceiling cos cot degrees divide even exp fdiv floor fmod gcd greatest
        isfinite isinf isnan lcm least ln log log10 log2 mod multiply pi pow power radians random round round_even sign
        sin sqrt subtract tan trunc
        """)
    | _words("if ifnull list_value nullif row")
)

# Words that DuckDB reads as functions when no column has that name.
SESSION_WORDS = _words("""
    current_catalog current_database current_query current_role current_schema current_user session_user user
    """)

TYPES = _words("""
    bigint bool boolean char character date datetime dec decimal double float float4 float8 hugeint int int1 int128 int2
    int4 int8 integer interval numeric real smallint string text time timestamp timestamp_ms timestamp_ns timestamp_s
    timestamptz tinyint ubigint uhugeint uinteger uint128 usmallint utinyint varchar
    """) | {"timestamp with time zone"}

CLAUSES = _words("""
    SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE CTE_NODE BASE_TABLE EMPTY EXPRESSION_LIST JOIN SUBQUERY
    DISTINCT_MODIFIER LIMIT_MODIFIER ORDER_MODIFIER ORDER_DEFAULT ASCENDING DESCENDING
    """)
EXPRESSIONS = _words("""
    BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION OPERATOR STAR SUBQUERY TYPE WINDOW
    """)
OPERATORS = _words("""
    ARRAY_CONSTRUCTOR ARRAY_EXTRACT COMPARE_IN COMPARE_NOT_IN GROUPING_FUNCTION OPERATOR_COALESCE OPERATOR_IS_NOT_NULL
    OPERATOR_IS_NULL OPERATOR_NOT OPERATOR_NULLIF STRUCT_EXTRACT
    """)

MAX_PATTERN_CHARS = 200
MAX_TEXT_CHARS = 100
MAX_PAD_CHARS = 255
# Arguments (counted from 0) that decide how much work or how large a text comes out: they must be literals this small.
BOUNDED_NUMBERS = {"lpad": 1, "rpad": 1}
BOUNDED_TEXTS = {"replace": 2, "regexp_replace": 2, "strftime": 1}
PATTERNS = {"regexp_extract": 1, "regexp_full_match": 1, "regexp_matches": 1, "regexp_replace": 1}
