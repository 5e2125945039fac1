from .refine import refine_outlines
