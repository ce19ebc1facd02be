"""How the page looks: one accent (celadon), one warm neutral scale on paper white, system fonts, light and dark.

No web fonts: a name that is not installed on the visitor's machine falls through to the next one.
"""

from __future__ import annotations

from gradio.themes import Base, Color, Font, Size, sizes

CELADON = Color(
    name="celadon",
    c50="#eef6f3",
    c100="#dcece6",
    c200="#b4d8cb",
    c300="#8cc2af",
    c400="#5aa78d",
    c500="#35866f",
    c600="#276c59",
    c700="#20584a",
    c800="#1a463b",
    c900="#15372f",
    c950="#0c221d",
)
STONE = Color(
    name="stone",
    c50="#faf9f6",
    c100="#f3f1ec",
    c200="#e5e2da",
    c300="#cfcbc0",
    c400="#a8a396",
    c500="#78746a",
    c600="#5c584f",
    c700="#45423b",
    c800="#2c2a26",
    c900="#1f1e1b",
    c950="#161513",
)
TEXT = Size(name="reading", xxs="11px", xs="12px", sm="13px", md="15px", lg="17px", xl="21px", xxl="26px")
SANS = ("Pretendard", "Pretendard Variable", "Noto Sans KR", "Noto Sans CJK KR", "Apple SD Gothic Neo", "Malgun Gothic")
MONO = ("D2Coding", "Noto Sans Mono CJK KR", "Cascadia Mono", "Menlo", "Consolas", "monospace")

EDGES = {
    "body_background_fill": "*neutral_50",
    "body_background_fill_dark": "*neutral_950",
    "body_text_color": "*neutral_900",
    "body_text_color_dark": "#ece9e2",
    "body_text_color_subdued": "*neutral_500",
    "body_text_color_subdued_dark": "#a39e92",
    "background_fill_primary": "white",
    "background_fill_primary_dark": "*neutral_900",
    "background_fill_secondary": "*neutral_50",
    "background_fill_secondary_dark": "#191816",
    "border_color_primary": "*neutral_200",
    "border_color_primary_dark": "#3a3832",
    "border_color_accent": "*primary_300",
    "border_color_accent_dark": "*primary_700",
    "color_accent_soft": "*primary_50",
    "color_accent_soft_dark": "#18332b",
    "block_background_fill": "white",
    "block_background_fill_dark": "*neutral_900",
    "block_border_width": "1px",
    "block_shadow": "none",
    "block_label_text_color": "*neutral_600",
    "block_label_text_color_dark": "#b8b3a7",
    "block_title_text_color": "*neutral_700",
    "block_title_text_color_dark": "#cdc8bc",
    "block_title_text_weight": "500",
    "block_info_text_color": "*neutral_500",
    "block_info_text_color_dark": "#a39e92",
    "link_text_color": "*primary_600",
    "link_text_color_dark": "*primary_300",
    "link_text_color_hover": "*primary_700",
    "link_text_color_hover_dark": "*primary_200",
    "link_text_color_visited": "*primary_600",
    "link_text_color_visited_dark": "*primary_300",
}
CONTROLS = {
    "input_background_fill": "white",
    "input_background_fill_dark": "#191816",
    "input_background_fill_focus": "white",
    "input_background_fill_focus_dark": "#191816",
    "input_border_width": "1px",
    "input_border_color": "*neutral_300",
    "input_border_color_dark": "#4a473f",
    "input_border_color_focus": "*primary_500",
    "input_border_color_focus_dark": "*primary_400",
    "input_shadow": "none",
    "input_shadow_focus": "0 0 0 3px *primary_100",
    "input_shadow_focus_dark": "0 0 0 3px #1d4439",
    "input_placeholder_color": "*neutral_400",
    "input_placeholder_color_dark": "#7d786c",
    "checkbox_background_color": "white",
    "checkbox_background_color_dark": "#191816",
    "checkbox_background_color_selected": "*primary_600",
    "checkbox_background_color_selected_dark": "*primary_500",
    "checkbox_border_color": "*neutral_400",
    "checkbox_border_color_dark": "#6a665b",
    "checkbox_border_color_selected": "*primary_600",
    "checkbox_border_color_selected_dark": "*primary_500",
    "checkbox_label_background_fill": "white",
    "checkbox_label_background_fill_dark": "#191816",
    "checkbox_label_background_fill_selected": "*primary_50",
    "checkbox_label_background_fill_selected_dark": "#18332b",
    "checkbox_label_border_width": "1px",
    "checkbox_label_border_color": "*neutral_300",
    "checkbox_label_border_color_dark": "#4a473f",
    "slider_color": "*primary_500",
    "slider_color_dark": "*primary_400",
    "button_border_width": "1px",
    "button_large_text_weight": "600",
    "button_medium_text_weight": "500",
    "button_small_text_weight": "500",
    "button_primary_background_fill": "*primary_600",
    "button_primary_background_fill_dark": "*primary_500",
    "button_primary_background_fill_hover": "*primary_700",
    "button_primary_background_fill_hover_dark": "*primary_600",
    "button_primary_border_color": "*primary_600",
    "button_primary_border_color_dark": "*primary_500",
    "button_primary_text_color": "white",
    "button_primary_text_color_dark": "white",
    "button_secondary_background_fill": "white",
    "button_secondary_background_fill_dark": "#26241f",
    "button_secondary_background_fill_hover": "*primary_50",
    "button_secondary_background_fill_hover_dark": "#18332b",
    "button_secondary_border_color": "*neutral_300",
    "button_secondary_border_color_dark": "#4a473f",
    "button_secondary_border_color_hover": "*primary_500",
    "button_secondary_border_color_hover_dark": "*primary_400",
    "button_secondary_text_color": "*neutral_800",
    "button_secondary_text_color_dark": "#ece9e2",
    "button_cancel_background_fill": "white",
    "button_cancel_background_fill_dark": "#2b1d1b",
    "button_cancel_background_fill_hover": "#fbeeec",
    "button_cancel_background_fill_hover_dark": "#3a2320",
    "button_cancel_border_color": "#d9a69e",
    "button_cancel_border_color_dark": "#7a453d",
    "button_cancel_text_color": "#9a3324",
    "button_cancel_text_color_dark": "#eda79b",
}
TABLES = {
    "table_border_color": "*neutral_200",
    "table_border_color_dark": "#3a3832",
    "table_even_background_fill": "white",
    "table_even_background_fill_dark": "*neutral_900",
    "table_odd_background_fill": "*neutral_50",
    "table_odd_background_fill_dark": "#191816",
    "table_row_focus": "*primary_50",
    "table_row_focus_dark": "#18332b",
    "table_text_color": "*neutral_900",
    "table_text_color_dark": "#ece9e2",
}


class Celadon(Base):
    """The studio's theme; `css_variables` below hands the same palette to pages that Gradio does not render."""

    def __init__(self) -> None:
        super().__init__(
            primary_hue=CELADON,
            secondary_hue=CELADON,
            neutral_hue=STONE,
            text_size=TEXT,
            spacing_size=sizes.spacing_md,
            radius_size=sizes.radius_md,
            font=[*(Font(name) for name in SANS), Font("system-ui"), Font("sans-serif")],
            font_mono=[Font(name) for name in MONO],
        )
        self.name = "celadon"
        super().set(**EDGES, **CONTROLS, **TABLES)
